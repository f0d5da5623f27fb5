// SPDX-License-Identifier: Apache-2.0
// standardwebhooks: node client.mjs NODE_MODULES, with the question as JSON on stdin: {"secret", "requests": [{"headers": {...}, "body": "..."}]}.
// One JSON document on stdout: [{"payload"} or {"error"}], one answer a request.
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(path.join(path.resolve(process.argv[2]), 'x.js'));
const { Webhook } = require('standardwebhooks');

let text = '';
for await (const chunk of process.stdin) text += chunk;
const q = JSON.parse(text);
const webhook = new Webhook(q.secret);
console.log(JSON.stringify(q.requests.map((r) => {
  try {
    return { payload: webhook.verify(r.body, r.headers) };
  } catch (e) {
    return { error: e.message };
  }
})));
