/** MySQL and PostgreSQL as clients speak them in text: a login, then queries with a few rows each, a change now and then. */

const ROWS = [
  ["1", "Ann Example", "ann@example.test", "2026-01-01 00:00:00"],
  ["2", "Bob Example", "bob@example.test", "2026-01-02 00:00:00"],
  ["3", "Cem Example", "cem@example.test", "2026-01-03 00:00:00"],
];
const COLUMNS = ["id", "name", "email", "created"];

/** Statements of a few shapes with values of their own, and whether it is a change. */
function statement(world) {
  const id = world.pick(100_000);
  const shapes = [
    `SELECT id, name, email, created FROM users WHERE id = ${id}`,
    `SELECT id, name, email, created FROM users WHERE email = 'user${id}@example.test' AND active = 1 LIMIT 10`,
    `SELECT o.id, u.name, u.email, o.created FROM orders o JOIN users u ON u.id = o.user_id WHERE o.user_id = ${id} ORDER BY o.created DESC LIMIT 3`,
    `UPDATE users SET seen = '2026-01-01 00:00:00' WHERE id = ${id}`,
  ];
  const shape = world.pick(shapes.length);
  return { text: shapes[shape], changes: shape === 3 };
}

const little = (value, bytes) => {
  const out = Buffer.alloc(bytes);
  out.writeUIntLE(value, 0, bytes);
  return out;
};
const packet = (id, ...parts) => {
  const whole = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([little(whole.length, 3), [id], whole].map((part) => Buffer.from(part)));
};
const counted = (text) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);

/** PROTOCOL_41 and SECURE_CONNECTION. */
const CAPABILITIES = 512 | 32768;
const GREETING = packet(
  0,
  [10],
  "8.0.36\0",
  little(7, 4),
  "12345678\0",
  little(0xffff, 2),
  [33],
  little(2, 2),
  little(0xffff, 2),
  [21],
  Buffer.alloc(10),
  "123456789012\0",
);
const LOGIN = packet(1, little(CAPABILITIES, 4), little(1 << 24, 4), [33], Buffer.alloc(23), "till\0", [4], "word");
const ok = (id, affected) => packet(id, [0, affected, 0], little(2, 2), little(0, 2));
const eof = (id) => packet(id, [0xfe], little(0, 2), little(2, 2));
const column = (id, name) =>
  packet(id, ...["def", "shop", "u", "users", name, name].map(counted), [12], little(33, 2), little(80, 4), [253], little(0, 5));

const RESULT = Buffer.concat([
  packet(1, [COLUMNS.length]),
  ...COLUMNS.map((name, index) => column(2 + index, name)),
  eof(2 + COLUMNS.length),
  ...ROWS.map((row, index) => packet(3 + COLUMNS.length + index, ...row.map(counted))),
  eof(3 + COLUMNS.length + ROWS.length),
]);

/** A login, and as many queries as there are to be `exchanges` in all, of which `ask` says the next. */
export function* mysql(world, exchanges, ask = statement) {
  yield [false, GREETING];
  yield [true, LOGIN];
  yield [false, ok(2, 0)];
  world.roundTrips += 1;
  for (let i = 1; i < exchanges; i++) {
    world.roundTrips += 1;
    const { text, changes } = ask(world);
    yield [true, packet(0, [3], text)];
    yield [false, changes ? ok(1, 1) : RESULT];
  }
}

const big = (value, bytes) => {
  const out = Buffer.alloc(bytes);
  out.writeUIntBE(value, 0, bytes);
  return out;
};
const message = (type, ...parts) => {
  const whole = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.from(type), big(whole.length + 4, 4), whole]);
};

const STARTUP = message("", big(196608, 4), "user\0till\0database\0shop\0application_name\0till\0\0");
const READY = message("Z", "I");
const WELCOME = Buffer.concat([
  message("R", big(0, 4)),
  message("S", "server_version\x0015.1\0"),
  message("K", big(7, 4), big(9, 4)),
  READY,
]);
const SELECTED = Buffer.concat([
  message("T", big(COLUMNS.length, 2), ...COLUMNS.flatMap((name) => [`${name}\0`, Buffer.alloc(18)])),
  ...ROWS.map((row) => message("D", big(row.length, 2), ...row.flatMap((text) => [big(text.length, 4), text]))),
  message("C", `SELECT ${ROWS.length}\0`),
  READY,
]);
const UPDATED = Buffer.concat([message("C", "UPDATE 1\0"), READY]);

/** A session's start, and as many queries as there are to be `exchanges` in all. */
export function* postgresql(world, exchanges, ask = statement) {
  yield [true, STARTUP];
  yield [false, WELCOME];
  world.roundTrips += 1;
  for (let i = 1; i < exchanges; i++) {
    world.roundTrips += 1;
    const { text, changes } = ask(world);
    yield [true, message("Q", `${text}\0`)];
    yield [false, changes ? UPDATED : SELECTED];
  }
}
