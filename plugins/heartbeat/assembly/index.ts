import { callNumber, config, log, onInit, onShutdown } from "pulp-sdk-assemblyscript";

let marker: i64 = 0;

onInit(() => {
  marker = config.i64("marker");
  log.info("heartbeat: init, marker " + marker.toString());
});

onShutdown(() => {
  log.info("heartbeat: shutdown after call " + callNumber().toString());
});

/** The last call number seen: the host logs it at exit. */
export function probe_last_call(): i64 {
  return callNumber();
}

/** The marker as it came through the config: the host logs it at exit. */
export function probe_config_marker(): i64 {
  return marker;
}
