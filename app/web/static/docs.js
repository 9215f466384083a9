// Starts Swagger UI on /docs. A file of its own, because the policy forbids inline scripts.
const element = document.getElementById("swagger-ui");
SwaggerUIBundle({
  url: element.dataset.openapi,
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
