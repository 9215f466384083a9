"""WHAT: products, their revisions, bills of material, approved parts, routings and recipes."""
