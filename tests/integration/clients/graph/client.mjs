// SPDX-License-Identifier: Apache-2.0
// The client of Microsoft Graph: node client.mjs NODE_MODULES, with the question as JSON on stdin:
//   {"url": "https://host:port/", "host", "tenant", "client", "secret"} or {"url", "host", "token"}, and
//   {"calls": [{"method", "path", "body", "headers"} or {"upload": path, "item", "size", "range_size", "fail_after"}]}.
// In a path {id} is the id of the last answer that had one; an upload sends bytes that count up modulo 251.
// One JSON document on stdout: {"answers": [{"result"} or {"error"}], "requests": [{"method", "path", "status", "attempt", "retry_after", "headers"}]}.
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(path.join(path.resolve(process.argv[2]), 'x.js'));
const { Client, LargeFileUploadTask, FileUpload } = require('@microsoft/microsoft-graph-client');
const { TokenCredentialAuthenticationProvider } = require('@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials');
const { ClientSecretCredential } = require('@azure/identity');

const requests = [];
const plain = globalThis.fetch;
globalThis.fetch = async (url, options) => {
  const response = await plain(url, options);
  const sent = new Headers(url.headers ?? options?.headers);
  requests.push({ method: url.method ?? options?.method, path: new URL(url.url ?? url).pathname, status: response.status, attempt: sent.get('Retry-Attempt'),
    retry_after: response.headers.get('retry-after'), asked: sent.get('client-request-id'), headers: Object.fromEntries(response.headers) });
  return response;
};

function connect(q) {
  const scopes = ['https://graph.microsoft.com/.default'];
  const authProvider = q.token !== undefined ? { getAccessToken: async () => q.token } : new TokenCredentialAuthenticationProvider(
    new ClientSecretCredential(q.tenant, q.client, q.secret, { authorityHost: q.authority, disableInstanceDiscovery: true }), { scopes });
  return Client.initWithMiddleware({ baseUrl: q.url, customHosts: new Set([q.host]), authProvider });
}

async function upload(client, call, at) {
  const content = new Uint8Array(call.size);
  for (let i = 0; i < content.length; i++) content[i] = i % 251;
  const session = await LargeFileUploadTask.createUploadSession(client, at, { AttachmentItem: { attachmentType: 'file', size: call.size, ...call.item } });
  let seen = 0;
  const progress = () => { if (++seen === call.fail_after) throw new Error('the program was interrupted'); };
  const task = new LargeFileUploadTask(client, new FileUpload(content, call.item.name, call.size), session,
    { rangeSize: call.range_size ?? 320 * 1024 * 10, uploadEventHandlers: { progress } });
  if (call.cancel) return { status: (await task.cancel()).status, url: session.url };
  let result;
  try {
    result = await task.upload();
  } catch (e) {
    if (!call.fail_after) throw e;
    result = await task.resume();
  }
  return { location: result.location, url: session.url, seen };
}

let text = '';
for await (const chunk of process.stdin) text += chunk;
const q = JSON.parse(text);
const client = connect(q);
const answers = [];
let id = q.id;
for (const call of q.calls) {
  try {
    const at = (call.path ?? call.upload).replace('{id}', id);
    const request = client.api(at).headers(call.headers ?? {});
    const result = call.upload ? await upload(client, call, at) : await request[call.method ?? 'post'](call.body);
    id = result?.isDraft ? result.id : id;
    answers.push({ result: result ?? null });
  } catch (e) {
    answers.push({ error: { name: e.constructor.name, message: e.message, status: e.statusCode, code: e.code, request_id: e.requestId, body: e.body } });
  }
}
console.log(JSON.stringify({ answers, requests }));
