// SPDX-License-Identifier: Apache-2.0
// The client that manages Azure Communication Services: node arm.mjs NODE_MODULES, with the question as JSON on stdin:
//   {"endpoint", "tenant", "client", "secret", "subscription", "calls": [["domains", "get", "group", "service", "example.org"], ...]}
// One JSON document on stdout: for each call {"value"} or {"error"}; what is a list is read to its end.
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const modules = path.resolve(process.argv[2]);
const load = (name) => import(pathToFileURL(createRequire(path.join(modules, 'x.js')).resolve(name)).href);
const { CommunicationServiceManagementClient } = await load('@azure/arm-communication');
const { ClientSecretCredential } = await load('@azure/identity');

let text = '';
for await (const chunk of process.stdin) text += chunk;
const q = JSON.parse(text);
const credential = new ClientSecretCredential(q.tenant, q.client, q.secret, { authorityHost: q.endpoint, disableInstanceDiscovery: true });
const client = new CommunicationServiceManagementClient(credential, q.subscription, { endpoint: q.endpoint });
const answers = [];
for (const [group, method, ...args] of q.calls) {
  try {
    let value = client[group][method](...args);
    if (value[Symbol.asyncIterator]) {
      const all = [];
      for await (const one of value) all.push(one);
      value = all;
    } else {
      value = await value;
    }
    answers.push({ value: value ?? null });
  } catch (e) {
    answers.push({ error: { name: e.name, message: e.message, status: e.statusCode, code: e.code } });
  }
}
console.log(JSON.stringify(answers));
