// SPDX-License-Identifier: Apache-2.0
// nodemailer: node client.mjs NODE_MODULES, with the question as JSON on stdin: {"transport": {...}, "messages": [...]}.
// The content of an attachment is in base64.  One JSON document on stdout: [{"response", "accepted", "rejected", "size"} or {"error"}], one answer a message.
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(path.join(path.resolve(process.argv[2]), 'x.js'));
const nodemailer = require('nodemailer');

const told = (e) => ({ code: e.code, response: e.response, status: e.responseCode, command: e.command, message: e.message });

let text = '';
for await (const chunk of process.stdin) text += chunk;
const q = JSON.parse(text);
const transport = nodemailer.createTransport(q.transport);
const send = async (message) => {
  try {
    const sent = await transport.sendMail({ ...message, attachments: (message.attachments ?? []).map((a) => ({ encoding: 'base64', ...a })) });
    return { response: sent.response, accepted: sent.accepted, rejected: sent.rejected, errors: (sent.rejectedErrors ?? []).map(told), size: sent.messageSize };
  } catch (e) {
    return { error: told(e) };
  }
};
const sent = [];
if (q.transport.pool) sent.push(...(await Promise.all(q.messages.map(send))));
else for (const message of q.messages) sent.push(await send(message));
transport.close();
console.log(JSON.stringify(sent));
