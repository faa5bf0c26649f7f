/**
 * One row of bench/RESULTS.md. `unit` stands behind figure and limit; without `most` there is no limit, and it holds unless
 * something is `broken`. What is `broken` is said beside the notes and makes the row say "no".
 */
export function row(name, value, { unit = "", digits = 1, most, notes = [], broken = [] } = {}) {
  const withUnit = (text) => (unit === "" ? text : `${text} ${unit}`);
  return {
    name,
    figure: withUnit(value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })),
    most: most === undefined ? "none set" : withUnit(most.toLocaleString("en")),
    holds: broken.length === 0 && (most === undefined ? Number.isFinite(value) : value <= most),
    notes: [...notes, ...broken],
  };
}

/** The row of a figure that could not be taken, which therefore does not hold. */
export function missingRow(name, reason) {
  return { name, figure: "not measured", most: "", holds: false, notes: [reason] };
}
