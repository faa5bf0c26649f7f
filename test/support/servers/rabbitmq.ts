/** RabbitMQ on loopback, with a name server of its own: it touches nothing of a broker that the system runs. */
import { writeFileSync } from "node:fs";
import { freePort, isListening, type Stage } from "./stage";

/** What it needs. */
export const RABBITMQ_PROGRAMS = ["rabbitmq-server", "epmd", "erl"];

/** Starts the broker; gives its port. */
export async function startRabbitmq(stage: Stage): Promise<number> {
  const [port, names, nodes] = [await freePort(), await freePort(), await freePort()];
  const config = [`listeners.tcp.1 = 127.0.0.1:${port}`, "log.file = false", "log.console.level = error", ""];
  writeFileSync(stage.path("rabbitmq.conf"), config.join("\n"));
  for (const name of ["environment", "plugins"]) writeFileSync(stage.path(name), name === "plugins" ? "[]." : "");
  await stage.serve("epmd", ["-port", `${names}`, "-address", "127.0.0.1"], () => isListening(names));
  const env = {
    HOME: stage.folder,
    ERL_EPMD_PORT: `${names}`,
    ERL_EPMD_ADDRESS: "127.0.0.1",
    RABBITMQ_CONF_ENV_FILE: stage.path("environment"),
    RABBITMQ_CONFIG_FILE: stage.path("rabbitmq.conf"),
    RABBITMQ_ENABLED_PLUGINS_FILE: stage.path("plugins"),
    RABBITMQ_MNESIA_BASE: stage.path("mnesia"),
    RABBITMQ_LOG_BASE: stage.path("log"),
    RABBITMQ_PID_FILE: stage.path("pid"),
    RABBITMQ_NODENAME: "tallywire@localhost",
    RABBITMQ_NODE_PORT: `${port}`,
    RABBITMQ_DIST_PORT: `${nodes}`,
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
    // Then the script becomes the broker, which a signal ends.
    RUNNING_UNDER_SYSTEMD: "true",
  };
  await stage.serve("rabbitmq-server", [], () => isListening(port), { env });
  return port;
}
