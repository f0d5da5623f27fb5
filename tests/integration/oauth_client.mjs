// SPDX-License-Identifier: Apache-2.0
// Real clients of the token service: node oauth_client.mjs NODE_MODULES identity|openid|assertion|private_key, with the question as JSON on stdin.  One JSON document on stdout: {"token":...} or {"error":...}.
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const modules = path.resolve(process.argv[2]);
const load = (name) => import(pathToFileURL(createRequire(path.join(modules, 'x.js')).resolve(name)).href);

async function identity(q) {
  const { ClientSecretCredential } = await load('@azure/identity');
  const credential = new ClientSecretCredential(q.tenant, q.client, q.secret, { authorityHost: q.authority, disableInstanceDiscovery: true });
  const token = await credential.getToken(q.scope);
  return { token: token.token, ends: token.expiresOnTimestamp };
}

async function openid(q) {
  const client = await load('openid-client');
  const how = q.basic ? client.ClientSecretBasic(q.secret) : client.ClientSecretPost(q.secret);
  const config = await client.discovery(new URL(q.authority), q.client, undefined, how, q.options);
  const token = await client.clientCredentialsGrant(config, q.scope ? { scope: q.scope } : undefined);
  return { token: token.access_token, expires_in: token.expires_in, issuer: config.serverMetadata().issuer };
}

// The token of another issuer, as a workload has it.
async function assertion(q) {
  const { ClientAssertionCredential } = await load('@azure/identity');
  const credential = new ClientAssertionCredential(q.tenant, q.client, async () => q.assertion, { authorityHost: q.authority, disableInstanceDiscovery: true });
  const token = await credential.getToken(q.scope);
  return { token: token.token };
}

// An assertion that the library makes and signs itself; only its issuer and subject are told to it.
async function private_key(q) {
  const client = await load('openid-client');
  const key = await crypto.subtle.importKey('jwk', q.key, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
  const modify = (header, payload) => { payload.iss = q.issuer; payload.sub = q.subject; };
  const how = client.PrivateKeyJwt({ key, kid: q.key.kid }, { [client.modifyAssertion]: modify });
  const config = await client.discovery(new URL(q.authority), q.client, undefined, how);
  const token = await client.clientCredentialsGrant(config);
  return { token: token.access_token };
}

let text = '';
for await (const chunk of process.stdin) text += chunk;
try {
  const answer = await { identity, openid, assertion, private_key }[process.argv[3]](JSON.parse(text));
  console.log(JSON.stringify(answer));
} catch (e) {
  const about = { name: e.name, message: e.message, error: e.error ?? e.errorResponse?.error, status: e.status ?? e.statusCode ?? e.cause?.status, codes: e.errorResponse?.errorCodes,
    description: e.error_description ?? e.errorResponse?.errorDescription };
  console.log(JSON.stringify({ error: about }));
}
