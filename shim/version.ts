/** Same as in package.json; a test compares them. */
export const VERSION = "0.1.0";

/** What a hub is told of who asks. */
export const USER_AGENT = `tallywire/${VERSION} node/${process.versions.node}`;
