import { Response, quoteJSON } from "pulp-sdk-assemblyscript";

/** An answer whose body is what its type says, and which nobody keeps. */
export function guarded(response: Response): Response {
  return response.header("X-Content-Type-Options", "nosniff").header("Cache-Control", "no-store");
}

/** JSON that is complete already. */
export function answer(json: string, status: i32 = 200): Response {
  return guarded(Response.json(json, status));
}

/** Done, and nothing to say. */
export function done(): Response {
  return guarded(Response.empty());
}

/** `{"error": …}` */
export function failure(reason: string, status: i32): Response {
  return answer(`{"error":${quoteJSON(reason)}}`, status);
}
