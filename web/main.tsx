import { render } from "hono/jsx/dom";
import { Page } from "./page";

render(<Page />, document.getElementById("page")!);
