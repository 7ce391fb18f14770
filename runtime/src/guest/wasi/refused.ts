import { errno } from './errno.ts';
import type { Streams } from './streams.ts';

/**
 * Functions about paths and sockets. A plugin's files are those of the capability `storage.fs`, so there are no
 * directories and no sockets here. A descriptor that is not there is EBADF, one that is, is of the wrong kind.
 */
export function refusedFunctions(streams: Streams) {
  const path = (fd: number) => streams.or(fd, errno.notdir);
  const socket = (fd: number) => streams.or(fd, errno.notsock);
  return {
    path_create_directory: path,
    path_filestat_get: path,
    path_filestat_set_times: path,
    path_link: path,
    path_open: path,
    path_readlink: path,
    path_remove_directory: path,
    path_rename: path,
    // Its first two arguments are the text of the link.
    path_symlink: (_pointer: number, _length: number, fd: number) => path(fd),
    path_unlink_file: path,
    sock_accept: socket,
    sock_recv: socket,
    sock_send: socket,
    sock_shutdown: socket,
  };
}
