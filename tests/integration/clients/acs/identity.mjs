// SPDX-License-Identifier: Apache-2.0
// A program without a secret: node identity.mjs NODE_MODULES, with the question as JSON on stdin:
//   {"endpoint", "credential": "managed" or "default", "client": an id or nothing, "messages": [...], "resources": [...]: only tokens are got, one for each}
// One JSON document on stdout: {"sent": [{"status"} or {"error"}], "tokens": [{"token", "expires"} or {"error"}]}.
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const modules = path.resolve(process.argv[2]);
const load = (name) => import(pathToFileURL(createRequire(path.join(modules, 'x.js')).resolve(name)).href);
const { EmailClient } = await load('@azure/communication-email');
const { DefaultAzureCredential, ManagedIdentityCredential } = await load('@azure/identity');

let text = '';
for await (const chunk of process.stdin) text += chunk;
const q = JSON.parse(text);
const options = q.client ? { clientId: q.client } : {};
const credential = q.credential === 'default' ? new DefaultAzureCredential({ managedIdentityClientId: q.client }) : new ManagedIdentityCredential(options);
const client = new EmailClient(q.endpoint, credential);

async function tried(work) {
  try {
    return await work();
  } catch (e) {
    return { error: { name: e.name, message: e.message, status: e.statusCode, code: e.code } };
  }
}

const answer = { sent: [], tokens: [] };
for (const resource of q.resources ?? []) {
  answer.tokens.push(await tried(async () => {
    const t = await credential.getToken(resource);
    return { token: t.token, expires: t.expiresOnTimestamp };
  }));
}
for (const message of q.messages ?? []) {
  answer.sent.push(await tried(async () => ({ status: (await (await client.beginSend(message)).pollUntilDone()).status })));
}
console.log(JSON.stringify(answer));
