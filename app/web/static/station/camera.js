// The camera as a scanner: zxing in the browser, and where it cannot be had a photo for the server's decoder.
import { Modal } from "./modal.js";
import { all, one } from "./screen.js";

const DECODER = "/static/vendor/zxing.js";
const WASM = "/static/vendor/zxing_reader.wasm";
const FORMATS = ["QRCode", "MicroQRCode", "DataMatrix", "Code128", "Code39"];
const EVERY = 120; // ms between two looks
const AGAIN = 2500; // ms before the same code in view counts as scanned again

export class Camera {
  constructor({ onScan, word }) {
    Object.assign(this, { onScan, word });
    this.box = one("[data-camera-box]");
    this.video = one("[data-camera-picture]", this.box);
    this.modal = new Modal(this.box, { shown: all("[data-verdict]"), onClose: () => this.stop() });
    one("[data-camera-close]", this.box).addEventListener("click", () => this.close());
    one("[data-camera-photo]", this.box).addEventListener("change", (event) => this.photo(event.target));
    addEventListener("pagehide", () => this.close());
  }

  async open() {
    this.modal.open(one("[data-camera-close]", this.box));
    this.words = one("[data-camera-words]", this.box);
    try {
      if (!navigator.mediaDevices) throw new Error(this.word("camera_insecure"));
      await decoder(this.word);
      const wanted = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } };
      this.stream = await navigator.mediaDevices.getUserMedia({ video: wanted });
      this.video.srcObject = this.stream;
      await this.video.play();
      this.look();
    } catch (refused) {
      this.words.textContent = this.word("camera_denied", { why: refused.message });
    }
  }

  close() {
    this.modal.close();
  }

  stop() {
    clearTimeout(this.timer);
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
  }

  async look() {
    if (!this.stream) return;
    const { videoWidth: width, videoHeight: height } = this.video;
    if (width) {
      this.canvas ??= document.createElement("canvas");
      Object.assign(this.canvas, { width, height });
      const context = this.canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(this.video, 0, 0);
      const found = await read(context.getImageData(0, 0, width, height));
      if (found.length === 1) this.seen(found[0]); // of several in view nobody knows which is meant
    }
    this.timer = setTimeout(() => this.look(), EVERY);
  }

  seen(text) {
    const now = performance.now();
    const again = text === this.last && now - this.at < AGAIN;
    this.last = text;
    this.at = now;
    if (!again) this.onScan(text);
  }

  async photo(input) {
    const file = input.files[0];
    if (!file) return;
    const sent = new FormData();
    sent.append("photo", file);
    const token = one("meta[name=form-token]").content;
    try {
      const answer = await fetch("/photo", { method: "POST", body: sent, headers: { "X-Form-Token": token, Accept: "application/json" } });
      const found = await answer.json();
      if (found.readings?.length === 1) this.onScan(found.readings[0].text);
      else this.words.textContent = found.problem ?? found.detail ?? this.word("photo_nothing");
    } catch (failed) {
      this.words.textContent = this.word("camera_denied", { why: failed.message });
    } finally {
      input.value = "";
    }
  }
}

let loading = null;

function decoder(word) {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = DECODER;
    script.addEventListener("load", () => {
      ZXingWASM.prepareZXingModule({ overrides: { locateFile: () => WASM }, fireImmediately: true }).then(resolve, reject);
    });
    script.addEventListener("error", () => reject(new Error(word("camera_missing"))));
    document.head.append(script);
  });
  return loading;
}

async function read(image) {
  const options = { formats: FORMATS, tryHarder: true, maxNumberOfSymbols: 4, textMode: "Plain" };
  const found = await ZXingWASM.readBarcodes(image, options);
  return [...new Set(found.filter((code) => code.isValid).map((code) => new TextDecoder().decode(code.bytes)))];
}
