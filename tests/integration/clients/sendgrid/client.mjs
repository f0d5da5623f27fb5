// SPDX-License-Identifier: Apache-2.0
// The client of SendGrid's API: node client.mjs NODE_MODULES, with the question as JSON on stdin:
//   {"url": "https://host:port/", "key", "messages": [...], "multiple": true: a message to each recipient, "requests": [{"method", "url", "body"}]}
// One JSON document on stdout: for each message, then each request {"status", "headers", "body"} or {"error": {"code", "message", "body", "headers"}}.
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(path.join(path.resolve(process.argv[2]), 'x.js'));
const mail = require('@sendgrid/mail');
const { Client } = require('@sendgrid/client');

let text = '';
for await (const chunk of process.stdin) text += chunk;
const q = JSON.parse(text);
const client = new Client();
client.setApiKey(q.key);
client.setDefaultRequest('baseUrl', q.url);
mail.setClient(client);

async function answer(promise) {
  try {
    const [response] = await promise;
    return { status: response.statusCode, headers: response.headers, body: response.body };
  } catch (e) {
    if (!e.response) throw e;
    return { error: { name: e.constructor.name, code: e.code, message: e.message, body: e.response.body, headers: e.response.headers } };
  }
}

const answers = [];
for (const message of q.messages ?? []) answers.push(await answer(mail.send(message, q.multiple)));
for (const request of q.requests ?? []) answers.push(await answer(client.request(request)));
console.log(JSON.stringify(answers));
