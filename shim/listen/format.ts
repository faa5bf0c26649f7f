/** Prometheus' text format 0.0.4, OpenMetrics 1.0, or the delimited messages in which native histograms come. */
export type Format = "text" | "openmetrics" | "protobuf";

/** What an answer in each format is called. */
export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
  protobuf: "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
};

const PROTOBUF = ["proto=io.prometheus.client.metricfamily", "encoding=delimited"];

/** The format that an Accept header wants most, of equals the one that says most; text where it says nothing of any. */
export function formatFor(accept = ""): Format {
  const weights: Record<Format, number> = { text: 0, openmetrics: 0, protobuf: 0 };
  for (const part of accept.split(",")) {
    const [type = "", ...parameters] = part.split(";").map((piece) => piece.trim().toLowerCase());
    const format = formatOf(type, parameters);
    const given = parameters.find((parameter) => parameter.startsWith("q="));
    const weight = given === undefined ? 1 : Number(given.slice(2)) || 0;
    if (format !== undefined) weights[format] = Math.max(weights[format], weight);
  }
  const { text, openmetrics, protobuf } = weights;
  if (protobuf > 0 && protobuf >= Math.max(text, openmetrics)) return "protobuf";
  return openmetrics > 0 && openmetrics >= text ? "openmetrics" : "text";
}

function formatOf(type: string, parameters: readonly string[]): Format | undefined {
  if (type === "application/openmetrics-text") return "openmetrics";
  if (type === "text/plain" || type === "text/*" || type === "*/*") return "text";
  const isFamily = type === "application/vnd.google.protobuf" && PROTOBUF.every((wanted) => parameters.includes(wanted));
  return isFamily ? "protobuf" : undefined;
}
