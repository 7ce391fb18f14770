import { Request, Response, bind, database } from "pulp-sdk-assemblyscript";
import { failure } from "./answer";

/** Characters of a title and of a text. */
const MAX_TITLE: i32 = 200;
const MAX_TEXT: i32 = 100_000;

/** What a client wants a note to be, or the answer that says why it cannot. */
export class Draft {
  title: string = "";
  text: string = "";
  refused: Response | null = null;

  /** Reads `{"title": …, "text": …}`. SQLite knows JSON, so this plugin doesn't have to. */
  static of(request: Request): Draft {
    const draft = new Draft();
    // A form on another site can send anything but this without the browser asking us first.
    if (!request.headers.get("Content-Type").toLowerCase().startsWith("application/json")) {
      draft.refused = failure("the Content-Type must be application/json", 415);
      return draft;
    }
    const row = database.query(
      "SELECT json_type(?1, '$.title') AS title_type, json_extract(?1, '$.title') AS title," +
        " json_type(?1, '$.text') AS text_type, json_extract(?1, '$.text') AS text WHERE json_valid(?1)",
      bind().text(request.text()),
    ).first();
    if (row === null || row.text("title_type") != "text" || (row.text("text_type") != "text" && !row.isNull("text_type"))) {
      draft.refused = failure('a note is {"title": "…", "text": "…"}', 400);
      return draft;
    }
    draft.title = row.text("title").trim();
    draft.text = row.text("text");
    if (draft.title.length == 0 || draft.title.length > MAX_TITLE) {
      draft.refused = failure("a title has 1 to " + MAX_TITLE.toString() + " characters", 400);
    } else if (draft.text.length > MAX_TEXT) {
      draft.refused = failure("a text has at most " + MAX_TEXT.toString() + " characters", 400);
    }
    return draft;
  }
}
