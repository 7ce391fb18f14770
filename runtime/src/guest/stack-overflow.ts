/** Whether an error says that the stack is used up, by the guest or by the host on top of it. */
export function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message.includes('call stack');
}
