/** What the two ends say to each other. The guest end has checked it. */

/** Kinds of effects: the payload is a channel's name as the guest has it. */
export const Effect = { claim: 0, release: 1 } as const;

/**
 * Kinds of requests: settles when Redis has said that the channel is subscribed, with nothing, or when it is not, with
 * the reason. What a plugin end throws would come without its code, and be taken for a mistake of the extension.
 */
export const Request = { subscribed: 0 } as const;

/** Kinds of events, in their order. */
export const events = ['redis.message'] as const;
