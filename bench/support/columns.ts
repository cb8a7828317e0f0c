/** KPIs as they come from machines: the same for the same number. */
export interface Column {
  times: Float64Array;
  values: Float64Array;
}

const START = Date.UTC(2026, 0, 1);

/** mulberry32 */
function dice(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const normal = (random: () => number) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** 3 of 10 on the clock, 5 with 30 ms of jitter, 2 anywhere within a second and with gaps. */
function timesOf(n: number, rows: number, random: () => number): Float64Array {
  const every = [10, 15, 30, 60][n % 4]! * 1000;
  const kind = n % 10;
  const times = new Float64Array(rows);
  let at = START;
  for (let row = 0; row < rows; row++) {
    at += every;
    if (kind < 3) times[row] = at;
    else if (kind < 8) times[row] = at + Math.round(30 * normal(random));
    else {
      if (random() < 0.002) at += every * Math.ceil(random() * 50);
      times[row] = at + Math.round((random() - 0.5) * 1000);
    }
  }
  return times;
}

/** 4 of 10 counters, 4 gauges of two decimals, 2 noisy doubles. */
export function mixed(n: number, rows: number): Column {
  const random = dice(n);
  const times = timesOf(n, rows, random);
  const values = new Float64Array(rows);
  const kind = n % 5;
  let level = kind < 2 ? Math.floor(random() * 1e6) : 20 + 60 * random();
  const rate = 50 + 2000 * random();
  for (let row = 0; row < rows; row++) {
    if (kind < 2) level += Math.floor(rate * (0.5 + random()));
    else level += 0.05 * normal(random);
    values[row] = kind < 2 ? level : kind < 4 ? Math.round(level * 100) / 100 : level + normal(random);
  }
  return { times, values };
}

/** One decimal, a point a minute on the clock: a day's rhythm and some noise. */
export function gaugeOnGrid(n: number, rows: number): Column {
  const random = dice(n);
  const values = new Float64Array(rows);
  let drift = 0;
  for (let row = 0; row < rows; row++) {
    drift = 0.99 * drift + 0.1 * normal(random);
    values[row] = Math.round(10 * (50 + 10 * Math.sin((2 * Math.PI * row) / 1440 + n) + drift)) / 10;
  }
  return { times: Float64Array.from({ length: rows }, (_, row) => START + row * 60_000), values };
}
