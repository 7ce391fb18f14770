import { STDERR, STDOUT, write } from './wasi';

/**
 * Logs lines: the host turns what a plugin prints into log lines of its own. A line break inside a message
 * becomes a blank, so that text from outside cannot forge a second line.
 */
export namespace log {
  /** To stdout. */
  export function info(message: string): void {
    line(STDOUT, "", message);
  }

  /** To stderr, marked `warning:`. */
  export function warn(message: string): void {
    line(STDERR, "warning: ", message);
  }

  /** To stderr, marked `error:`. */
  export function error(message: string): void {
    line(STDERR, "error: ", message);
  }
}

/** Lets the `console` that every author knows work; asc is told so by `--use console=…`. */
export namespace console {
  /** As `log.info`. */
  export function log(message: string = ""): void {
    line(STDOUT, "", message);
  }

  /** As `log.info`. */
  export function info(message: string = ""): void {
    line(STDOUT, "", message);
  }

  /** As `log.warn`. */
  export function warn(message: string = ""): void {
    line(STDERR, "warning: ", message);
  }

  /** As `log.error`. */
  export function error(message: string = ""): void {
    line(STDERR, "error: ", message);
  }
}

function line(fd: u32, prefix: string, message: string): void {
  const bytes = String.UTF8.encode(prefix + message + "\n", false, String.UTF8.ErrorMode.REPLACE);
  const start = changetype<usize>(bytes);
  const last = start + bytes.byteLength - 1;
  for (let at = start; at < last; at++) {
    const byte = load<u8>(at);
    if (byte == 0x0a || byte == 0x0d) store<u8>(at, 0x20);
  }
  write(fd, start, bytes.byteLength);
}
