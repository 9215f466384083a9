// What is this scan? The same decisions as app/scanning/rules.py and codes.py; one table of cases holds both to it.
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const CLASSES = { "#": ALPHABET.slice(0, 10), "@": ALPHABET.slice(10), "*": ALPHABET, "!": ALPHABET };
export const LAYOUT_TEST = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./+:;,#*()[]{}<>@!?%&=$~^|";
const LABEL = /^>?\[\)>|^\{[a-z]{2,4}:|^QTY:\d/;
const KINDS = { B: "badge", S: "station", L: "slot", C: "control", T: "layout_test" };

export class Refused extends Error {
  constructor(code, about = {}) {
    super(code);
    this.code = code;
    this.about = about;
  }
}

// CRC-16/IBM-3740: polynomial 0x1021, start 0xFFFF.
export function crc16(text) {
  let crc = 0xffff;
  for (const character of text) {
    const code = character.codePointAt(0);
    crc ^= (code < 128 ? code : 63) << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

const hex = (number) => number.toString(16).toUpperCase().padStart(4, "0");

export function makeCode(letter, payload) {
  const text = `BIRTH${letter}${String(payload.length).padStart(2, "0")}${payload}`;
  return text + hex(crc16(text));
}

function readCode(text) {
  const letter = text[5] ?? "";
  if (letter.toUpperCase() === "T" && text !== makeCode("T", LAYOUT_TEST)) throw layoutProblem(text.slice(8, -4));
  if (!text.startsWith("BIRTH") || !(letter in KINDS) || !/^\d\d$/.test(text.slice(6, 8))) throw new Refused("code_garbled");
  const whole = 8 + Number(text.slice(6, 8)) + 4;
  if (text.length !== whole) throw new Refused("code_cut", { arrived: text.length, whole });
  if (hex(crc16(text.slice(0, -4))) !== text.slice(-4)) throw new Refused("code_wrong");
  return { kind: KINDS[letter], value: text.slice(8, -4) };
}

const swapcase = (text) =>
  [...text].map((one) => (one === one.toUpperCase() ? one.toLowerCase() : one.toUpperCase())).join("");

function layoutProblem(came) {
  if (came === swapcase(LAYOUT_TEST)) return new Refused("layout_caps");
  if (came.length !== LAYOUT_TEST.length)
    return new Refused("layout_lost", { arrived: came.length, whole: LAYOUT_TEST.length });
  const wrong = [...LAYOUT_TEST].flatMap((meant, i) => (came[i] === meant ? [] : [`${meant} → ${came[i]}`]));
  return new Refused("layout_other", { wrong: wrong.slice(0, 4).join(", ") });
}

// --- serials: `#` digit, `@` capital, `*` either, `!` check character, anything else itself ---------------------

function signs(pattern) {
  return [...pattern.matchAll(/\\(.)|(.)/gs)].map(([, escaped, sign]) =>
    escaped ? { literal: true, sign: escaped } : { literal: !(sign in CLASSES), sign });
}

const is = ({ literal, sign }, character) => (literal ? character === sign : CLASSES[sign].includes(character));

const CHECKS = {
  mod37_36(text) {
    let product = 36;
    for (const sign of text) product = (((product + ALPHABET.indexOf(sign)) % 36 || 36) * 2) % 37;
    return ALPHABET[(37 - product) % 36];
  },
  luhn(text) {
    const digits = [...text].filter((sign) => sign >= "0" && sign <= "9").map(Number).reverse();
    const sum = digits.reduce((all, digit, i) => all + (i % 2 ? digit : digit * 2 - (digit > 4 ? 9 : 0)), 0);
    return String((10 - (sum % 10)) % 10);
  },
};

function checkHolds({ pattern, check }, text) {
  if (!check) return true;
  const place = signs(pattern).findIndex(({ literal, sign }) => !literal && sign === "!");
  const counted = (text.slice(0, place) + text.slice(place + 1)).replace(/[^0-9A-Z]/g, "");
  return CHECKS[check](counted) === text[place];
}

function isPart(all, text) {
  if (!(all.length / 2 < text.length && text.length < all.length)) return false;
  const holds = (some) => [...text].every((character, i) => is(some[i], character));
  return holds(all) || holds(all.slice(-text.length));
}

function readSerial(text, formats) {
  const known = formats.map((format) => ({ format, all: signs(format.pattern) }));
  const fitting = known.filter(({ all }) => all.length === text.length && all.every((sign, i) => is(sign, text[i])));
  if (fitting.some(({ format }) => checkHolds(format, text))) return { kind: "serial", value: text };
  if (fitting.length) throw new Refused("serial_wrong");
  const cut = known.find(({ all }) => isPart(all, text));
  if (cut) throw new Refused("serial_cut", { arrived: text.length, whole: cut.all.length });
  return { kind: "other", value: text };
}

// --- everything -------------------------------------------------------------------------------------------------

function readLabel(text) {
  const braces = text.startsWith("{") && !text.endsWith("}");
  const iso = text.slice(0, 4).includes("[)>") && !/[\x04\u2404]$|\^[dD]$/.test(text);
  const last = text.replace(/[\x1e\u241e]$/, "").split(/[\x1d\u241d\]]/).at(-1);
  if (braces || (iso && /^3?[Ss]/.test(last))) throw new Refused("label_cut");
  return { kind: "label", value: text };
}

function read(text, formats) {
  if (text.length > 2048) throw new Refused("too_long");
  text = text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "").replace(/^\][A-Za-z][0-9A-Za-z](?=.)/s, "");
  if (!text) throw new Refused("empty");
  if (text.slice(0, 5).toUpperCase() === "BIRTH") return readCode(text);
  if (LABEL.test(text)) return readLabel(text);
  return readSerial(text, formats);
}

// {kind, value} of a scan; of one that is refused {kind: "refused", code, about}.
export function readScan(text, formats) {
  try {
    return read(text, formats);
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    return { kind: "refused", value: text, code: refused.code, about: refused.about };
  }
}
