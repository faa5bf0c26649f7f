/** Every limit of the hub, in one place, each with its reason. Times are seconds unless the name says otherwise. */

/** Memory of the core: it and its objects share an isolate, of which it takes 16 MiB at most. */
export const CORE_BUDGET_BYTES = 15 * 1024 * 1024;

/** Length of the one window that edges post, and of the finest tile. */
export const MINUTE_SECONDS = 60;

/** Bytes of a request body as they come in: a busy minute takes 48 KB, so this leaves room for ten of them. */
export const WIRE_BYTES_MAX = 512 * 1024;

/** Seconds within which the body of a bundle must be there, unless a hub's owner sets others: what is held open is memory. */
export const BODY_SECONDS = 30;

/** Bytes of a bundle after inflating: half a row, so that any bundle fits a batch with others. */
export const BUNDLE_BYTES_MAX = 1024 * 1024;

/** Bytes of bundles in one batch row. A row of SQLite-backed storage holds 2 MB; the rest is left to the entries and the row's own header. */
export const BATCH_BYTES_MAX = 1_800_000;

/** Bundles in one batch row, so that the entries stay far below what is left of the row. */
export const BATCH_BUNDLES_MAX = 1_000;

/** Bytes of one tile row; a larger tile goes into several rows. */
export const TILE_ROW_BYTES_MAX = 1_900_000;

/** Parts of one tile and their bytes at the most: as a rule they merge into one. What does not merge beyond them is set apart. */
export const TILE_PARTS_MAX = 16;
export const TILE_BYTES_MAX = 8 * 1024 * 1024;

/** Bundles and tiles that an answer does without, where the others would not merge with them. */
export const SET_APART_MAX = 16;

/** Longest wait of an acknowledged bundle for company in its row. */
export const COMMIT_WAIT_MAX_MS = 1_000;

/** Wait for each edge that posted within the last second: a quiet hub commits at once, a busy one gathers. */
export const COMMIT_WAIT_PER_EDGE_MS = 20;

/** After this long without another bundle nobody more is waited for. */
export const COMMIT_QUIET_MS = 100;

/** What an object holds in memory at the most, whatever is asked of it: objects may share an isolate of 128 MB. */
export const STATE_BYTES_MAX = 48_000_000;

/** Bytes of acknowledged bundles that an object holds unsealed; beyond it seals early. */
export const PENDING_BYTES_MAX = 10 * 1024 * 1024;

/** What a bundle takes in memory beside its bytes: its entry, and the buffer that holds them. */
export const ENTRY_BYTES = 512;

/** Bytes of bundles, inflated, that wait to be written as one row: a body of a few KB may be a bundle of a MB. */
export const QUEUE_BYTES_MAX = 2 * 1024 * 1024;

/** Bytes of bundles, inflated, whose object is not in its tree yet; what comes beyond them is to come again. */
export const JOINING_BYTES_MAX = 2 * 1024 * 1024;

/** Second of each minute at which the alarm seals: edges post at the minute plus 5 s plus at most 45 s. */
export const SEAL_SECOND = 55;

/** How long one part of an alarm may take, and one question to the parent in it: what does not answer holds up no other part. */
export const ALARM_PART_MS_MAX = 30_000;
export const PARENT_ANSWER_MS_MAX = 5_000;

/** When an alarm that could not be set is tried again. */
export const ALARM_RETRY_MS = 1_000;

/** How late an alarm may be before it is taken for lost: a period between seals, and at least this. */
export const ALARM_LATE_MIN_MS = 2_000;

/** A shard that sent nothing for so many periods between seals is woken, once in as many, and so many at a time. */
export const KNOCK_PERIODS = 5;
export const KNOCKS_AT_A_TIME = 6;

/** How late a minute may come; its dedupe keys are kept as long. */
export const LATE_SECONDS_MAX = 48 * 3600;

/** How far a minute may lie ahead of the hub's clock. */
export const AHEAD_SECONDS_MAX = 120;

/** Longest that anything is kept: tiles are numbered by minutes since 1970, and rows are not free. */
export const RETENTION_SECONDS_MAX = 3_660 * 86_400;

/** How long after its end an hour or a day is merged, by level: by then nearly all of it is there, and seldom is it merged twice. */
export const ROLLUP_SETTLE_SECONDS: readonly number[] = [0, 300, 900];

/** Hours and days that one alarm merges; what is left is for the next. An hour of one group takes some 30 ms. */
export const ROLLUPS_PER_ALARM_MAX = 100;

/** How long what each edge posted is kept beside the tiles. */
export const EDGE_MINUTES_SECONDS = 2 * 3600;

/** Retention of sealed batches, which hold it: a minute may come before it begins, and a window be widened to whole ones. */
export const BATCH_RETENTION_SECONDS = EDGE_MINUTES_SECONDS + AHEAD_SECONDS_MAX + 3 * MINUTE_SECONDS;

/** Bytes that one object keeps apart of quarantined edges; beyond it the oldest are forgotten. */
export const QUARANTINE_BYTES_MAX = 64 * 1024 * 1024;

/** Edges of a tenant that are quarantined at once: each of its objects has the list. */
export const QUARANTINED_EDGES_MAX = 1_000;

/** What was taken out of tiles, by an agent's start and minute, while batches have it: a list in memory, whenever they are read. */
export const CUTS_MAX = 200_000;

/** Minutes of edges that a shard has asked its parent to take out, or was refused lately. */
export const ASKED_MAX = 100_000;

/** How long one call takes minutes out of tiles; what is left is for the next call. */
export const RECUT_MS_MAX = 5_000;

/** Bytes of sealed batches that are kept at most; the oldest go first. */
export const BATCH_RETENTION_BYTES_MAX = 256 * 1024 * 1024;

/** Bytes of rows in one page of a backup, but for the last row of it. */
export const BACKUP_PAGE_BYTES = 1_000_000;

/** Bytes of one line of a backup: a page whose last row is as large as rows get, in base64. */
export const BACKUP_LINE_BYTES_MAX = 8 * 1024 * 1024;

/** Bytes of one part of a backup in a bucket, which is what is in memory of it: R2 takes 5 MiB to 5 GiB, and 10,000 parts. */
export const BUCKET_PART_BYTES = 8 * 1024 * 1024;

/** Backups in one list, the newest. */
export const BUCKET_LIST_MAX = 1_000;

/** How long an object holds still for a backup, or waits for the next page of a restore, where none is asked for or comes. */
export const HOLD_SECONDS = 30;

/** For how long an isolate takes a tenant's shard map for current. */
export const SHARD_MAP_KNOWN_SECONDS = 30;

/** Shard maps that an isolate holds. */
export const SHARD_MAPS_KNOWN_MAX = 10_000;

/** From a change of a shard map to the first minute under it: longer than a map is held, and than a minute may be ahead. */
export const SHARD_MAP_NOTICE_SECONDS = 300;

/** Versions of a tenant's shard map. */
export const SHARD_MAP_EPOCHS_MAX = 100;

/** Bytes of what an object hands over at once of its share in an answer, about: what is more comes when it is asked for the rest. */
export const SHARE_PAGE_BYTES = 1024 * 1024;

/** Objects that a query is put to, those in flight at a time, and the bytes of what they merged that are held for one answer. */
export const FAN_OUT_OBJECTS_MAX = 1_000;
export const FAN_OUT_AT_A_TIME = 6;
export const FAN_OUT_BYTES_MAX = 24 * 1024 * 1024;

/** Bytes of what an object sends up in one bundle, inflated: what the core can put out. */
export const MERGED_BYTES_MAX = 2 * 1024 * 1024;

/** Bytes of all bundles of one message up, inflated: its parent holds it at once. */
export const MESSAGE_BYTES_MAX = 2 * 1024 * 1024;

/** Bytes of one minute's tiles that are held to be merged for the way up; beyond them it goes up in parts. */
export const OUTBOX_HELD_BYTES_MAX = 4 * 1024 * 1024;

/** Messages that wait for a parent, and their bytes: beyond them an object takes nothing that would have to wait too. */
export const OUTBOX_MESSAGES_FULL = 90_000;
export const OUTBOX_BYTES_FULL = 768 * 1024 * 1024;

/** The same at the most, in a backup too: what was taken before they were full, and minutes that were being made anew, go on top. */
export const OUTBOX_MESSAGES_MAX = 100_000;
export const OUTBOX_BYTES_MAX = 1024 * 1024 * 1024;

/** How much longer than an edge a shard may take with a minute: the way up of what it sealed. */
export const UPWARD_SECONDS = 20;

/** How long one alarm sends up what waits; the next goes on. */
export const DELIVERY_MS_MAX = 20_000;

/** Edges of one object; its shard map decides how many a tenant has. */
export const EDGES_MAX = 10_000;

/** Distinct sets of policy, sampling rate and tags in one object: each is a tile a minute. */
export const GROUPS_MAX = 1_000;

/** Agent starts of one edge within the time that its dedupe keys are kept. */
export const BOOTS_PER_EDGE_MAX = 512;

/** Agent starts of all edges of one object within that time, of which memory holds the names. */
export const SOURCES_MAX = 100_000;

/** Highest sequence number of a minute's bundles. */
export const SEQUENCE_MAX = 65_535;

/** Bundles of one minute in one object: ten of each edge. Their keys are one row, and a set in memory. */
export const MINUTE_BUNDLES_MAX = 100_000;

/** Tags of one edge. */
export const TAGS_MAX = 8;
export const TAG_NAME_LENGTH_MAX = 32;
export const TAG_VALUE_LENGTH_MAX = 64;

/** Characters of an agent's version, as it gives it itself. */
export const VERSION_LENGTH_MAX = 64;

/** Bytes of a query's body. */
export const QUERY_BYTES_MAX = 64 * 1024;

/** Steps of one query. */
export const STEPS_MAX = 3_000;

/** Rows of one answer. */
export const ROWS_MAX = 20_000;

/** Characters of the rows of one answer, about: tags and keys may be long. */
export const ANSWER_CHARACTERS_MAX = 8_000_000;

/** Bytes of answers that an object keeps for when they are asked for again, their queries included. */
export const ANSWER_BYTES_CACHED_MAX = 4 * 1024 * 1024;

/** Bytes of what an object merged for answers that several objects give together, kept for when it is asked for again. */
export const SHARE_BYTES_CACHED_MAX = 4 * 1024 * 1024;

/** Metrics of one query. */
export const METRICS_MAX = 8;

/** Entries of one top or breakdown, quantiles of one query, values of one condition. */
export const TOP_MAX = 1_024;
export const QUANTILES_MAX = 16;
export const CONDITION_VALUES_MAX = 100;

/** Tiles and bundles that one query may merge. */
export const QUERY_PARTS_MAX = 50_000;

/** An edge that was seen within this long before a minute is expected in it. */
export const EXPECTED_SECONDS = 15 * 60;

/** Names of missing edges in one answer. */
export const MISSING_EDGES_MAX = 100;

/** Minutes whose dedupe keys are held in memory, and the keys of all of them. */
export const MINUTES_CACHED_MAX = 64;
export const KEYS_CACHED_MAX = 100_000;

/** What a client is told to wait after 429 and 503. */
export const RETRY_AFTER_SECONDS = 10;

/** Characters of one PromQL expression, its nodes, and how deep they nest: an evaluation walks them by recursion. */
export const EXPRESSION_CHARACTERS_MAX = 8_192;
export const EXPRESSION_NODES_MAX = 200;
export const EXPRESSION_DEPTH_MAX = 24;

/** Characters of a regular expression in a matcher, and states of the automaton that it becomes. */
export const PATTERN_CHARACTERS_MAX = 1_024;
export const PATTERN_STATES_MAX = 2_048;

/** States that one pattern may walk for all values of a request: a second or so. */
export const PATTERN_STEPS_MAX = 20_000_000;

/** Points of one series in an answer to query_range, as Prometheus has it. */
export const POINTS_MAX = 11_000;

/** Time buckets that one selector of an expression may be read in: all points, and the window of the first. */
export const BUCKETS_MAX = 13_000;

/** Series of one answer, and series times points of all selectors: a point takes 9 bytes in memory and some 30 as JSON. */
export const SERIES_MAX = 10_000;
export const SAMPLES_MAX = 400_000;

/** Rows that one request may read of objects: each is a series in a time bucket. A histogram weighs as much as so many others. */
export const EXPRESSION_ROWS_MAX = 200_000;
export const PACKED_ROW_WEIGHT = 20;

/** Questions that one expression may put to objects, one after the other. */
export const EXPRESSION_QUESTIONS_MAX = 300;

/** Questions in one call of an object: few calls, as Cloudflare counts them, and each answer far below the 32 MB of one. */
export const PLANS_PER_CALL_MAX = 16;

/** Questions of one request that may each be put to every shard of a tenant. */
export const PLANS_FANNED_OUT_MAX = 150;

/** For how long an isolate takes the tags of a tenant with shards for current: every shard is asked for them. */
export const TAGS_KNOWN_SECONDS = 30;

/** Metrics that one selector without a name may mean; a scrape of /federate may take all there are. */
export const SELECTED_METRICS_MAX = 40;

/** Keys of a top or a breakdown that become series, for each set of other labels. */
export const KEYS_SHOWN_MAX = 100;

/** Selectors in the match[] of one request. */
export const SELECTORS_MAX = 20;

/** How old a sample may be and still count, as Prometheus has it by default. */
export const LOOKBACK_SECONDS = 300;

/** How long a counter's series goes on with nothing new in it. */
export const QUIET_SECONDS = 3_600;

/** What a client is told to wait where a person has to change something first. */
export const RETRY_AFTER_CHANGE_SECONDS = 300;

/** Edges of which an object knows how fast they post lately. */
export const PACES_MAX = 20_000;

/** Kinds of refusals, by edge and code, of one hour in one object: the busiest; they fill a quarter of a row. */
export const REFUSALS_PER_HOUR_MAX = 500;
export const REFUSAL_REASON_LENGTH_MAX = 300;

/** How long refusals are kept. */
export const REFUSALS_SECONDS = 48 * 3600;

/** How long an isolate gathers what it refused before any object, until it tells the root. */
export const REFUSALS_GATHERED_MS = 1_000;

/** Keys and edges that a tenant can have revoked, and for how long an isolate takes the list for current. */
export const REVOKED_MAX = 10_000;
export const REVOKED_KNOWN_SECONDS = 30;

/** When an edge is silent, posts late, or has a clock that is off; when a shard is silent, which sends a minute later than edges. */
export const WATCH_SILENT_SECONDS = 180;
export const WATCH_LAG_SECONDS = 300;
export const WATCH_DRIFT_SECONDS = 5;
export const WATCH_SILENT_SHARD_SECONDS = 300;

/** How long a trouble must not be seen until it is over; after how long a silent edge is no edge any more. */
export const WATCH_CLEAR_SECONDS = 180;
export const WATCH_FORGET_SECONDS = 48 * 3600;

/** Looks further apart than so many periods between seals are not in a row: the hub was away. */
export const WATCH_GAP_PERIODS = 3;

/** Troubles that an object watches at a time: they are one row. Where all edges fail at once, more lines say nothing more. */
export const WATCHED_MAX = 500;

/** Events that an object keeps, and so what waits for its webhook at the most. */
export const EVENTS_KEPT_MAX = 1_000;

/** Events of one request to the webhook, how long it may take to answer, and the longest wait until it is tried again. */
export const WEBHOOK_BATCH_MAX = 100;
export const WEBHOOK_TIMEOUT_MS = 10_000;
export const WEBHOOK_WAIT_MAX_MS = 3_600_000;
