// SPDX-License-Identifier: Apache-2.0
// The client of Azure Communication Services Email: node client.mjs NODE_MODULES, with the question as JSON on stdin:
//   {"connection": "endpoint=...;accesskey=..."} or {"endpoint", "authority", "tenant", "client", "secret"}, and
//   {"messages": [...], "options", "poll": true, "polls": most of them, "version": another api-version, "client_options"}.
// One JSON document on stdout: {"sent": [{"result", "states"} or {"error"}], "requests": [{"method", "path", "status", "retry_after"}]}.
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const modules = path.resolve(process.argv[2]);
const load = (name) => import(pathToFileURL(createRequire(path.join(modules, 'x.js')).resolve(name)).href);
const { EmailClient } = await load('@azure/communication-email');
const { ClientSecretCredential } = await load('@azure/identity');

const requests = [];
const watch = {
  name: 'watch',
  async sendRequest(request, next) {
    const response = await next(request);
    const url = new URL(request.url);
    requests.push({ method: request.method, path: url.pathname, status: response.status, retry_after: response.headers.get('retry-after') ?? null,
      operation_location: response.headers.get('operation-location'), code: response.headers.get('x-ms-error-code'),
      asked: request.headers.get('x-ms-client-request-id'), echoed: response.headers.get('x-ms-client-request-id') });
    return response;
  },
};

function connect(q) {
  // after the retries, so that each of them is seen
  const options = { apiVersion: q.version, additionalPolicies: [{ policy: watch, position: 'perRetry' }], ...q.client_options };
  if (q.connection) return new EmailClient(q.connection, options);
  return new EmailClient(q.endpoint, new ClientSecretCredential(q.tenant, q.client, q.secret, { authorityHost: q.authority, disableInstanceDiscovery: true }), options);
}

async function send(client, message, q) {
  const poller = await client.beginSend(message, q.options);
  const states = [poller.getOperationState().result?.status ?? poller.getOperationState().status];
  if (!q.poll) return { states };
  poller.onProgress((state) => states.push(state.result?.status ?? state.status));
  return { result: await poller.pollUntilDone(), states };
}

let text = '';
for await (const chunk of process.stdin) text += chunk;
const q = JSON.parse(text);
const client = connect(q);
const sent = [];
for (const message of q.messages) {
  try {
    sent.push(await send(client, message, q));
  } catch (e) {
    sent.push({ error: { name: e.name, message: e.message, status: e.statusCode, code: e.code } });
  }
}
console.log(JSON.stringify({ sent, requests }));
