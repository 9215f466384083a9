// Which station is this? Its code says so.
import { Screen, word } from "./screen.js";

const screen = new Screen({ scan: ({ value }) => screen.wrong(word("not_a_station"), value) });
