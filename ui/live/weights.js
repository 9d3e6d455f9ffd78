// What a moved weight makes of shares, points and total: kpi_core.plan.Plan.with_share and
// kpi_core.score.score once more, in exact fractions, for the moments until the server answers.
// A fraction is [numerator, denominator], lowest terms, the denominator above zero.

const PLACES = 12; // decimals of a weight, as plan files hold them
const STEP = [1n, 10n ** 6n]; // shares come out in millionths
const ZERO = [0n, 1n];
const ONE = [1n, 1n];

function ratio(top, bottom) {
  let [a, b] = [top < 0n ? -top : top, bottom];
  while (b) [a, b] = [b, a % b];
  return a ? [top / a, bottom / a] : ZERO;
}

const parse = (text) => ratio(BigInt(text.split("/")[0]), BigInt(text.split("/")[1] ?? 1));
const plus = (a, b) => ratio(a[0] * b[1] + b[0] * a[1], a[1] * b[1]);
const minus = (a, b) => plus(a, [-b[0], b[1]]);
const times = (a, b) => ratio(a[0] * b[0], a[1] * b[1]);
const over = (a, b) => (b[0] < 0n ? ratio(-a[0] * b[1], -a[1] * b[0]) : ratio(a[0] * b[1], a[1] * b[0]));
const less = (a, b) => a[0] * b[1] < b[0] * a[1];
const sum = (all) => all.reduce(plus, ZERO);
const floor = ([top, bottom]) => (top >= 0n ? top / bottom : -((-top + bottom - 1n) / bottom));

// Half away from zero, as people and spreadsheets do it: an integer of 10^-digits.
function units(value, digits) {
  const [top, bottom] = times(value, [10n ** BigInt(digits), 1n]);
  const whole = floor(plus([top < 0n ? -top : top, bottom], [1n, 2n]));
  return top < 0n ? -whole : whole;
}

function written(value, digits, point) {
  const whole = units(value, digits);
  const text = String(whole < 0n ? -whole : whole).padStart(digits + 1, "0");
  const cut = text.length - digits;
  const shown = digits ? text.slice(0, cut) + point + text.slice(cut) : text;
  return whole < 0n ? `\u2212${shown}` : shown;
}

// `room` shared out in millionths, as near to `parts` of it as they allow.
function inSteps(parts, room) {
  const ids = Object.keys(parts);
  const counts = Object.fromEntries(ids.map((id) => [id, floor(over(times(parts[id], room), STEP))]));
  const taken = times([ids.reduce((all, id) => all + counts[id], 0n), 1n], STEP);
  const left = minus(room, taken);
  const rest = (id) => minus(times([counts[id], 1n], STEP), times(parts[id], room));
  const ranked = [...ids].sort((a, b) => (less(rest(a), rest(b)) ? -1 : less(rest(b), rest(a)) ? 1 : 0));
  const steps = floor(over(left, STEP));
  const more = new Set(ranked.slice(0, Number(steps)));
  const shares = Object.fromEntries(
    ids.map((id) => [id, times([counts[id] + (more.has(id) ? 1n : 0n), 1n], STEP)]),
  );
  const largest = ids.reduce((best, id) => (less(parts[best], parts[id]) ? id : best));
  shares[largest] = plus(shares[largest], minus(left, times([steps, 1n], STEP)));
  return shares;
}

function sharesOf(weights) {
  const whole = sum(Object.values(weights));
  return Object.fromEntries(Object.entries(weights).map(([id, own]) => [id, over(own, whole)]));
}

// The weights once one line is moved to a share of `percent`; those not locked make room.
function withShare(weights, moved, percent, locked) {
  const shares = sharesOf(weights);
  const free = Object.keys(shares).filter((id) => id !== moved && !locked.has(id));
  if (!free.length) return weights;
  const kept = Object.keys(shares).filter((id) => id !== moved && !free.includes(id));
  const room = minus(ONE, sum(kept.map((id) => shares[id])));
  let share = ratio(BigInt(percent), 100n);
  if (less(room, share)) share = room;
  const was = sum(free.map((id) => shares[id]));
  const even = [1n, BigInt(free.length)];
  const parts = Object.fromEntries(free.map((id) => [id, was[0] ? over(shares[id], was) : even]));
  const wanted = { ...shares, ...inSteps(parts, minus(room, share)), [moved]: share };
  const decimal = Object.values(wanted).every((own) => (10n ** BigInt(PLACES)) % own[1] === 0n);
  const whole = decimal ? ONE : sum(Object.values(weights));
  return Object.fromEntries(
    Object.keys(weights).map((id) => [
      id,
      ratio(units(times(wanted[id], whole), PLACES), 10n ** BigInt(PLACES)),
    ]),
  );
}

// What each line adds to the total, and the total: `scores` holds null for a line that does not
// count, `missing` the lines without a value, and where `blocks` is set they leave no total.
function scored(weights, { scores, missing, blocks }) {
  const counted = Object.keys(weights).filter((id) => scores[id] !== null);
  const whole = sum(counted.map((id) => weights[id]));
  const lines = Object.fromEntries(
    Object.keys(weights).map((id) => {
      if (scores[id] === null || !whole[0]) return [id, { share: ZERO, points: scores[id] && ZERO }];
      const share = over(weights[id], whole);
      return [id, { share, points: times(share, scores[id]) }];
    }),
  );
  const waits = blocks && missing.some((id) => weights[id][0]);
  const total = whole[0] && !waits ? sum(counted.map((id) => lines[id].points)) : null;
  return { lines, total };
}
