// Colours of new objects: clearly different from those in use, as long as the palette has such.

const CLEAR = 110;

/** @param {string} color */
const channels = (color) => [1, 3, 5].map((k) => parseInt(color.slice(k, k + 2), 16));

/**
 * How different two colours (#rrggbb) look, 0 to 765. Source: Riemersma, "Colour metric" (CompuPhase, 2012).
 * @param {string} one
 * @param {string} other
 */
function difference(one, other) {
  const a = channels(one),
    b = channels(other);
  const [red, green, blue] = a.map((value, k) => value - b[k]);
  const mean = (a[0] + b[0]) / 2;
  return Math.sqrt((2 + mean / 256) * red ** 2 + 4 * green ** 2 + (2 + (255 - mean) / 256) * blue ** 2);
}

/**
 * The first of the colours on offer that is clear of those in use; if there is none, the one that differs most.
 * @param {string[]} offered
 * @param {string[]} used
 */
export function freshColor(offered, used) {
  /** @param {string} color */
  const least = (color) => Math.min(...used.map((other) => difference(color, other)));
  return (
    offered.find((color) => least(color) >= CLEAR) ||
    offered.reduce((best, color) => (least(color) > least(best) ? color : best))
  );
}
