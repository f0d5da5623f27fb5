// SPDX-License-Identifier: Apache-2.0
// Handlebars itself: {"text":...,"data":...,"html":bool} a line on stdin, {"ok":true,"text":...} or {"ok":false,"why":...} a line on stdout.
// The helpers that SendGrid adds are written here from its documentation.
const path = require("path");
const readline = require("readline");
const Handlebars = require(path.join(process.argv[2], "handlebars"));

const branch = (yes, options, self) => (options.fn ? (yes ? options.fn(self) : options.inverse(self)) : yes);
const isTrue = (v) => !Handlebars.Utils.isEmpty(v) && v !== 0;
// Whole trees are compared by what they are, not by JavaScript's texts of them.
const trees = (a, b) => [a, b].some((v) => v !== null && typeof v === "object");
const equal = (a, b) => (trees(a, b) ? a === b : a == b);
Handlebars.registerHelper("equals", function (a, b, o) { return branch(equal(a, b), o, this); });
Handlebars.registerHelper("notEquals", function (a, b, o) { return branch(!equal(a, b), o, this); });
Handlebars.registerHelper("greaterThan", function (a, b, o) { return branch(!trees(a, b) && a > b, o, this); });
Handlebars.registerHelper("lessThan", function (a, b, o) { return branch(!trees(a, b) && a < b, o, this); });
Handlebars.registerHelper("and", function (...args) { const o = args.pop(); return branch(args.every(isTrue), o, this); });
Handlebars.registerHelper("or", function (...args) { const o = args.pop(); return branch(args.some(isTrue), o, this); });
Handlebars.registerHelper("length", (v) => (typeof v === "string" || Array.isArray(v) ? v.length : 0));
Handlebars.registerHelper("insert", (v, other) => (v === undefined || v === null || v === ""
  ? (typeof other === "string" ? other.replace(/^default=/, "") : other) : v));

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { text, data, html } = JSON.parse(line);
  let answer;
  try {
    answer = { ok: true, text: Handlebars.compile(text, { noEscape: !html })(data) };
  } catch (e) {
    answer = { ok: false, why: String(e.message) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
});
