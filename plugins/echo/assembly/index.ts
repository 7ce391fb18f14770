import { Response, get, post } from "pulp-sdk-assemblyscript";

// The parameter's bytes go back as they came, also where they are no UTF-8.
get("/echo/:msg", (request) => Response.bytes(request.params.bytes("msg"), "text/plain; charset=utf-8"));

post("/echo", (request) =>
  Response.bytes(request.body, request.headers.get("Content-Type", "application/octet-stream")));
