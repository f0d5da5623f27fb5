// SPDX-License-Identifier: Apache-2.0
// nodemailer: node smtp_oauth_client.mjs NODE_MODULES, with the question as JSON on stdin: {host, port, auth, from, to}.  One JSON document on stdout: {"id":...} or {"error":...}.
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(path.join(path.resolve(process.argv[2]), 'x.js'));
const nodemailer = require('nodemailer');

let text = '';
for await (const chunk of process.stdin) text += chunk;
const q = JSON.parse(text);
const transport = nodemailer.createTransport({ host: q.host, port: q.port, secure: q.port === 465, requireTLS: true, auth: q.auth });
try {
  const sent = await transport.sendMail({ from: q.from, to: q.to, subject: 'By nodemailer', text: 'Hello.\n' });
  console.log(JSON.stringify({ response: sent.response }));
} catch (e) {
  console.log(JSON.stringify({ error: { code: e.code, response: e.response, status: e.responseCode, command: e.command } }));
}
