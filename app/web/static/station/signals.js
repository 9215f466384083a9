// A verdict for ear and hand: two rising tones for go, three low ones for stop, one short tick for what was noted.
// They differ in pitch, number and rhythm, so that nobody needs both ears or good ones.
const SIGNALS = {
  go: { tones: [[660, 0, 0.09], [990, 0.1, 0.16]], shape: "sine", shake: [60] },
  stop: { tones: [[196, 0, 0.16], [196, 0.22, 0.16], [147, 0.44, 0.4]], shape: "square", shake: [200, 80, 200, 80, 400] },
  wait: { tones: [[440, 0, 0.12], [440, 0.2, 0.12]], shape: "triangle", shake: [60, 60, 60] },
  noted: { tones: [[880, 0, 0.05]], shape: "sine", shake: [30] },
  wrong: { tones: [[233, 0, 0.12], [175, 0.14, 0.2]], shape: "square", shake: [120, 60, 120] },
};
const KEPT = "birthmark-muted";
let context = null;

export const muted = () => localStorage.getItem(KEPT) === "yes";

export function mute(yes) {
  localStorage.setItem(KEPT, yes ? "yes" : "no");
}

export function signal(name) {
  const { tones, shape, shake } = SIGNALS[name];
  if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(shake); // before the first touch browsers refuse, and say so
  if (muted() || !("AudioContext" in window)) return;
  context ??= new AudioContext();
  context.resume();
  for (const [pitch, after, lasts] of tones) {
    const [voice, level] = [context.createOscillator(), context.createGain()];
    const start = context.currentTime + after;
    voice.type = shape;
    voice.frequency.value = pitch;
    level.gain.setValueAtTime(0.0001, start);
    level.gain.exponentialRampToValueAtTime(shape === "square" ? 0.12 : 0.3, start + 0.01); // no click
    level.gain.exponentialRampToValueAtTime(0.0001, start + lasts);
    voice.connect(level).connect(context.destination);
    voice.start(start);
    voice.stop(start + lasts);
  }
}
