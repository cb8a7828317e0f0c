/** A line chart with logarithmic axes, as SVG text: how figures grow. */
export interface Line {
  name: string;
  /** Ascending in `x`; all above 0. */
  points: readonly (readonly [x: number, y: number])[];
}

const WIDTH = 720;
const HEIGHT = 360;
const LEFT = 60;
const RIGHT = 190;
const TOP = 40;
const BOTTOM = 50;
const COLOURS = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd"];

const short = (n: number) => (n >= 1000 ? `${n / 1000} k` : `${n}`);

function decades(values: readonly number[]): number[] {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.ceil(Math.log10(Math.max(...values)));
  return Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
}

export function draw(title: string, xName: string, lines: readonly Line[]): string {
  const xs = lines.flatMap(({ points }) => points.map(([x]) => x));
  const ys = decades(lines.flatMap(({ points }) => points.map(([, y]) => y)));
  const [xLow, xHigh] = [Math.log10(Math.min(...xs)), Math.log10(Math.max(...xs))];
  const [yLow, yHigh] = [Math.log10(ys[0]!), Math.log10(ys.at(-1)!)];
  const across = (x: number) => LEFT + ((Math.log10(x) - xLow) / (xHigh - xLow || 1)) * (WIDTH - LEFT - RIGHT);
  const down = (y: number) =>
    HEIGHT - BOTTOM - ((Math.log10(y) - yLow) / (yHigh - yLow || 1)) * (HEIGHT - TOP - BOTTOM);
  const grid = ys.map(
    (y) => `<path d="M${LEFT} ${down(y)}H${WIDTH - RIGHT}" stroke="#ddd"/>
<text x="${LEFT - 8}" y="${down(y) + 4}" text-anchor="end">${y}</text>`,
  );
  const ticks = [...new Set(xs)].map(
    (x) => `<text x="${across(x)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${short(x)}</text>`,
  );
  const drawn = lines.map(({ name, points }, n) => {
    const colour = COLOURS[n % COLOURS.length];
    const [endX, endY] = points.at(-1)!;
    const path = points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${across(x).toFixed(1)} ${down(y).toFixed(1)}`);
    return `<path d="${path.join("")}" fill="none" stroke="${colour}" stroke-width="2"/>
<text x="${across(endX) + 8}" y="${down(endY) + 4}" fill="${colour}">${name}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
<text x="${LEFT}" y="22" font-size="14">${title}</text>
${[...grid, ...ticks, ...drawn].join("\n")}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${xName}</text>
</svg>
`;
}
