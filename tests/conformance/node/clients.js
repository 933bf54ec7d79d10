// SPDX-License-Identifier: Apache-2.0
// Google's own Node clients use the sandbox as they are: whatever they refuse, a real program would refuse too.
//
//     node clients.js HTTP_URL PUBSUB_HOST
//
// Prints a line for each case that failed and "N passed, M failed" in the end; exits 0 if none failed.
'use strict';

const assert = require('assert');
const fs = require('fs');
const os = require('os');
const path = require('path');
const zlib = require('zlib');

const [, , url, pubsubHost] = process.argv;
if (!url || !pubsubHost) {
  console.error('usage: clients.js HTTP_URL PUBSUB_HOST');
  process.exit(64);
}
process.env.PUBSUB_EMULATOR_HOST = pubsubHost;
process.env.METADATA_SERVER_DETECTION = 'none';

const {BigQuery} = require('@google-cloud/bigquery');
const {PubSub, v1} = require('@google-cloud/pubsub');
const {PassThroughClient} = require('google-auth-library');
const grpc = require('@grpc/grpc-js');

const PROJECT = 'demo-project';
const PATIENCE_MS = 60000;

async function control(method, path, body) {
  const answer = await fetch(url + path, {method, body: body === undefined ? undefined : JSON.stringify(body)});
  const text = await answer.text();
  assert.strictEqual(answer.status, 200, `${path}: ${text}`);
  return text;
}

const advance = seconds => control('POST', '/control/clock', {advance_s: seconds});
const fault = line => fetch(`${url}/control/faults`, {method: 'POST', body: line});

async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new assert.AssertionError({message: 'it was not refused'});
}

// --- Pub/Sub ----------------------------------------------------------------------------------------------------

const pubsub = new PubSub({projectId: PROJECT});
const low = new v1.SubscriberClient({
  projectId: PROJECT,
  servicePath: pubsubHost.split(':')[0],
  port: Number(pubsubHost.split(':')[1]),
  sslCreds: grpc.credentials.createInsecure(),
});

async function subscribed(name, settings = {}) {
  const [topic] = await pubsub.createTopic(`${name}-topic`);
  const [subscription] = await topic.createSubscription(name, settings);
  return {topic, subscription};
}

// Hands each message to `take` until it returns true.
function listen(subscription, take) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('waited for messages in vain')), PATIENCE_MS);
    const finish = async (settle, value) => {
      clearTimeout(timer);
      await subscription.close();
      settle(value);
    };
    subscription.on('error', error => finish(reject, error));
    subscription.on('message', message => {
      try {
        if (take(message)) finish(resolve);
      } catch (error) {
        finish(reject, error);
      }
    });
  });
}

const unary = (name, more = {}) =>
  low.pull({subscription: low.subscriptionPath(PROJECT, name), maxMessages: 10, ...more});

// The sandbox's own word on a message.
async function state(id) {
  const report = JSON.parse(await control('GET', '/control/pubsub'));
  return report.messages.find(message => message.id === id);
}

const pubsubCases = {
  async 'a message keeps its data and attributes on the way'() {
    const {topic, subscription} = await subscribed('keeps');
    const data = Buffer.from([0, 255, 10, 123]);
    const attributes = {streams: 'contacts', empty: '', 'ключ': 'значение'};
    const id = await topic.publishMessage({data, attributes});
    let seen;
    await listen(subscription, message => {
      seen = message;
      message.ack();
      return true;
    });
    assert.strictEqual(seen.id, id);
    assert.deepStrictEqual(Buffer.from(seen.data), data);
    assert.deepStrictEqual({...seen.attributes}, attributes);
    assert.strictEqual(seen.publishTime.toISOString().slice(0, 10), '2026-03-02');
    assert.strictEqual((await state(id)).state, 'acked');
  },

  async 'many messages arrive once each on the stream'() {
    const {topic, subscription} = await subscribed('many');
    const wanted = await Promise.all(
      Array.from({length: 300}, (_, i) => topic.publishMessage({data: Buffer.from(`message ${i}`)})));
    const seen = [];
    await listen(subscription, message => {
      seen.push(message.id);
      message.ack();
      return seen.length === wanted.length;
    });
    assert.deepStrictEqual(seen.sort(), wanted.sort());
  },

  async 'flow control is kept'() {
    const {topic} = await subscribed('flow');
    const subscription = pubsub.subscription('flow', {flowControl: {maxMessages: 3, allowExcessMessages: false}});
    for (let i = 0; i < 9; i++) await topic.publishMessage({data: Buffer.from('x')});
    const held = [];
    let most = 0;
    let done = 0;
    await listen(subscription, message => {
      held.push(message);
      most = Math.max(most, held.length);
      if (held.length === 3) for (const one of held.splice(0)) { one.ack(); done++; }
      return done === 9;
    });
    assert.strictEqual(most, 3);
    const batches = JSON.parse(`[${(await control('GET', '/control/journal?service=pubsub')).trim().split('\n')}]`)
      .filter(entry => entry.operation === 'streamingPull' && (entry.subscription || '').endsWith('/flow'));
    assert.ok(batches.every(entry => entry.messages.length <= 3), 'the sandbox sent more than it may');
  },

  async 'a nack brings the message back'() {
    const {topic, subscription} = await subscribed('nack');
    const id = await topic.publishMessage({data: Buffer.from('again')});
    const acks = new Set();
    await listen(subscription, message => {
      assert.strictEqual(message.id, id);
      acks.add(message.ackId);
      if (acks.size < 3) message.nack();
      else message.ack();
      return acks.size === 3;
    });
    assert.strictEqual((await state(id)).deliveries, 3);
  },

  async 'a lease that is not kept lapses; one that is extended does not'() {
    const {topic} = await subscribed('lease', {ackDeadlineSeconds: 20});
    const id = await topic.publishMessage({data: Buffer.from('x')});
    const name = low.subscriptionPath(PROJECT, 'lease');
    const [first] = await unary('lease');
    assert.strictEqual(first.receivedMessages[0].message.messageId, id);
    await advance(19);
    const ackIds = [first.receivedMessages[0].ackId];
    await low.modifyAckDeadline({subscription: name, ackIds, ackDeadlineSeconds: 60});
    await advance(59);
    assert.strictEqual((await unary('lease', {returnImmediately: true}))[0].receivedMessages.length, 0);
    await advance(2);
    const [second] = await unary('lease');
    assert.strictEqual(second.receivedMessages[0].message.messageId, id);
    assert.notStrictEqual(second.receivedMessages[0].ackId, ackIds[0]);
    await low.acknowledge({subscription: name, ackIds: [second.receivedMessages[0].ackId]});
    await advance(600);
    assert.strictEqual((await unary('lease', {returnImmediately: true}))[0].receivedMessages.length, 0);
  },

  async 'a seek into the past brings back what was acknowledged'() {
    const {topic, subscription} = await subscribed('seek', {retainAckedMessages: true});
    const before = new Date(JSON.parse(await control('GET', '/control/clock')).now_us / 1000);
    const id = await topic.publishMessage({data: Buffer.from('x')});
    for (let round = 0; round < 2; round++) {
      const [pulled] = await unary('seek');
      assert.strictEqual(pulled.receivedMessages[0].message.messageId, id);
      await low.acknowledge({
        subscription: low.subscriptionPath(PROJECT, 'seek'),
        ackIds: [pulled.receivedMessages[0].ackId],
      });
      if (round === 0) await subscription.seek(before);
    }
    await subscription.seek(new Date(before.getTime() + 86400000));
    assert.strictEqual((await unary('seek', {returnImmediately: true}))[0].receivedMessages.length, 0);
  },

  async 'what comes too often goes to the dead letters'() {
    const [dead] = await pubsub.createTopic('dead-letters');
    const [letters] = await dead.createSubscription('dead-letters-read');
    const {topic, subscription} = await subscribed('poison', {
      deadLetterPolicy: {deadLetterTopic: dead.name, maxDeliveryAttempts: 5},
    });
    const id = await topic.publishMessage({data: Buffer.from('bad'), attributes: {a: 'b'}});
    const attempts = [];
    await listen(subscription, message => {
      attempts.push(message.deliveryAttempt);
      message.nack();
      return attempts.length === 5;
    });
    assert.deepStrictEqual(attempts, [1, 2, 3, 4, 5]);
    let letter;
    await listen(letters, message => {
      letter = message;
      message.ack();
      return true;
    });
    assert.strictEqual(letter.data.toString(), 'bad');
    assert.strictEqual(letter.attributes.a, 'b');
    assert.strictEqual(letter.attributes.CloudPubSubDeadLetterSourceSubscription, 'poison');
    assert.strictEqual((await state(id)).state, 'dead');
  },

  async 'a stream that breaks is opened anew'() {
    const {topic, subscription} = await subscribed('broken');
    await fault('pubsub streamingPull 1 refuse 14\npubsub streamingPull 2 drop\n');
    const id = await topic.publishMessage({data: Buffer.from('x')});
    await listen(subscription, message => {
      assert.strictEqual(message.id, id);
      message.ack();
      return true;
    });
    await control('DELETE', '/control/faults');
  },

  async 'refusals have the codes of the real service'() {
    await subscribed('codes');
    assert.strictEqual((await refusal(pubsub.createTopic('codes-topic'))).code, grpc.status.ALREADY_EXISTS);
    assert.strictEqual((await refusal(unary('no-such'))).code, grpc.status.NOT_FOUND);
    assert.strictEqual((await refusal(pubsub.topic('no-such').publishMessage({data: Buffer.from('x')}))).code,
      grpc.status.NOT_FOUND);
    assert.strictEqual((await refusal(low.acknowledge({
      subscription: low.subscriptionPath(PROJECT, 'codes'), ackIds: ['garbage'],
    }))).code, grpc.status.INVALID_ARGUMENT);
    assert.strictEqual((await refusal(pubsub.topic('codes-topic').createSubscription('short', {
      ackDeadlineSeconds: 5,
    }))).code, grpc.status.INVALID_ARGUMENT);
    const lost = await refusal(listen(pubsub.subscription('no-such'), () => true));
    assert.strictEqual(lost.code, grpc.status.NOT_FOUND);
  },

  async 'what is made can be looked at and deleted'() {
    const {topic, subscription} = await subscribed('short-lived', {ackDeadlineSeconds: 30});
    assert.strictEqual((await topic.exists())[0], true);
    const [metadata] = await subscription.getMetadata();
    assert.strictEqual(metadata.ackDeadlineSeconds, 30);
    assert.strictEqual(metadata.topic, topic.name);
    await subscription.delete();
    await topic.delete();
    assert.strictEqual((await subscription.exists())[0], false);
    assert.strictEqual((await topic.exists())[0], false);
  },
};

// --- BigQuery ---------------------------------------------------------------------------------------------------

const bigquery = new BigQuery({
  projectId: PROJECT, apiEndpoint: url, authClient: new PassThroughClient(), location: 'EU',
});
const dataset = bigquery.dataset('judged');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'caseload-node-'));

const SCHEMA = [
  {name: 'id', type: 'STRING', mode: 'REQUIRED'},
  {name: 'day', type: 'DATE', mode: 'REQUIRED'},
  {name: 'at', type: 'TIMESTAMP'},
  {name: 'size', type: 'INTEGER'},
  {name: 'share', type: 'FLOAT'},
  {name: 'open', type: 'BOOLEAN'},
  {name: 'more', type: 'JSON'},
  {name: 'tags', type: 'RECORD', mode: 'REPEATED', fields: [{name: 'name', type: 'STRING'}]},
];

const rows = count => Array.from({length: count}, (_, i) => ({
  id: `r${String(i).padStart(5, '0')}`, day: `2026-01-${String(1 + i % 28).padStart(2, '0')}`,
  at: '2026-01-05T06:07:08.123456Z', size: i, share: i / 4, open: i % 2 === 0, more: {n: i, text: 'ä"\n'},
  tags: [{name: 'a'}, {name: `t${i}`}],
}));

const ndjson = list => Buffer.from(list.map(row => JSON.stringify(row)).join('\n') + '\n');

function local(name, bytes) {
  fs.writeFileSync(path.join(folder, name), bytes);
  return path.join(folder, name);
}

async function loaded(name, list, bytes = ndjson(list)) {
  const [table] = await dataset.createTable(name, {schema: SCHEMA});
  const [job] = await table.load(local(`${name}.json`, bytes), {
    sourceFormat: 'NEWLINE_DELIMITED_JSON', writeDisposition: 'WRITE_EMPTY', createDisposition: 'CREATE_NEVER',
    location: 'EU',
  });
  assert.strictEqual(job.status.state, 'DONE');
  assert.strictEqual(job.statistics.load.outputRows, String(list.length));
  return table;
}

const one = async (query, params = {}, more = {}) =>
  (await bigquery.query({query, params, location: 'EU', ...more}))[0];

const bigqueryCases = {
  async 'a dataset is made, found and listed'() {
    await bigquery.createDataset('judged', {location: 'EU', labels: {app: 'caseload'}, description: 'judged'});
    const [metadata] = await dataset.getMetadata();
    assert.strictEqual(metadata.location, 'EU');
    assert.deepStrictEqual(metadata.labels, {app: 'caseload'});
    assert.strictEqual((await bigquery.dataset('absent').exists())[0], false);
    assert.ok((await bigquery.getDatasets())[0].some(found => found.id === 'judged'));
  },

  async 'a partitioned, clustered table keeps what it was made with'() {
    const [table] = await dataset.createTable('parted', {
      schema: SCHEMA, timePartitioning: {type: 'DAY', field: 'day'},
      clustering: {fields: ['id']}, labels: {stream: 'contacts'}, description: 'by day',
    });
    const [metadata] = await table.getMetadata();
    assert.strictEqual(metadata.timePartitioning.field, 'day');
    assert.strictEqual(metadata.timePartitioning.type, 'DAY');
    assert.deepStrictEqual(metadata.clustering.fields, ['id']);
    assert.deepStrictEqual(metadata.schema.fields.map(field => field.name), SCHEMA.map(field => field.name));
    assert.strictEqual(metadata.type, 'TABLE');
    assert.strictEqual(metadata.numRows, '0');
    assert.ok((await dataset.getTables())[0].some(found => found.id === 'parted'));
    const wider = [...metadata.schema.fields, {name: 'added', type: 'STRING', mode: 'NULLABLE'}];
    const [after] = await table.setMetadata({schema: {fields: wider}});
    assert.strictEqual(after.schema.fields.length, SCHEMA.length + 1);
  },

  async 'a local file is loaded and comes back as it was'() {
    const list = rows(50);
    const table = await loaded('plain', list);
    const [back] = await table.getRows();
    assert.strictEqual(back.length, 50);
    const row = back.find(found => found.id === 'r00007');
    assert.strictEqual(row.day.value, '2026-01-08');
    assert.strictEqual(row.at.value.replace(/0{3}Z$/, 'Z'), '2026-01-05T06:07:08.123456Z');
    assert.strictEqual(row.size, 7);
    assert.strictEqual(row.share, 1.75);
    assert.strictEqual(row.open, false);
    assert.deepStrictEqual(JSON.parse(row.more), {n: 7, text: 'ä"\n'});
    assert.deepStrictEqual(row.tags, [{name: 'a'}, {name: 't7'}]);
  },

  async 'a gzip file is loaded as well'() {
    const list = rows(500);
    const table = await loaded('packed', list, zlib.gzipSync(ndjson(list)));
    assert.strictEqual((await table.getMetadata())[0].numRows, '500');
  },

  async 'a bad row fails the whole load'() {
    const [table] = await dataset.createTable('spoiled', {schema: SCHEMA});
    const file = local('spoiled.json', Buffer.concat([ndjson(rows(3)), Buffer.from('{"id":"x","nonsense":1}\n')]));
    const error = await refusal(table.load(file, {sourceFormat: 'NEWLINE_DELIMITED_JSON', location: 'EU'}));
    assert.strictEqual(error.errors[0].reason, 'invalid');
    assert.strictEqual((await table.getMetadata())[0].numRows, '0');
  },

  async 'a table that holds rows refuses WRITE_EMPTY'() {
    const table = await loaded('filled', rows(2));
    const error = await refusal(table.load(local('more.json', ndjson(rows(1))), {
      sourceFormat: 'NEWLINE_DELIMITED_JSON', writeDisposition: 'WRITE_EMPTY', location: 'EU',
    }));
    assert.ok(error.errors.some(entry => entry.reason === 'duplicate'), JSON.stringify(error.errors));
  },

  async 'named parameters of the types that the worker sends'() {
    const [row] = await one(
      'SELECT @text AS text, @number AS number, @day AS day, @at AS instant, @none AS none', {
        text: 'ä"`\n', number: 9007199254740000, day: BigQuery.date('2026-02-28'),
        at: BigQuery.timestamp('2026-02-28T23:59:59.999999Z'), none: null,
      }, {types: {text: 'STRING', number: 'INT64', day: 'DATE', at: 'TIMESTAMP', none: 'STRING'}});
    assert.strictEqual(row.text, 'ä"`\n');
    assert.strictEqual(row.number, 9007199254740000);
    assert.strictEqual(row.day.value, '2026-02-28');
    assert.strictEqual(row.instant.value.replace(/0{3}Z$/, 'Z'), '2026-02-28T23:59:59.999999Z');
    assert.strictEqual(row.none, null);
  },

  async 'a script with a transaction'() {
    await loaded('scripted', rows(3));
    const result = await one(`
      DECLARE before INT64 DEFAULT (SELECT COUNT(*) FROM judged.scripted);
      BEGIN TRANSACTION;
      INSERT INTO judged.scripted (id, day, tags) VALUES (@id, DATE '2026-02-01', []);
      COMMIT TRANSACTION;
      SELECT before, (SELECT COUNT(*) FROM judged.scripted) AS after;`, {id: 'added'});
    assert.deepStrictEqual(result, [{before: 3, after: 4}]);
    const error = await refusal(one(`
      BEGIN TRANSACTION;
      INSERT INTO judged.scripted (id, day, tags) VALUES ('undone', DATE '2026-02-01', []);
      RAISE USING MESSAGE = 'not so';`));
    assert.match(error.message, /not so/);
    assert.deepStrictEqual(await one("SELECT id FROM judged.scripted WHERE id = 'undone'"), []);
  },

  async 'rows come in pages'() {
    const table = await loaded('paged', rows(25));
    const [job] = await bigquery.createQueryJob({query: 'SELECT id FROM judged.paged ORDER BY id', location: 'EU'});
    const seen = [];
    let pages = 0;
    let query = {maxResults: 10, autoPaginate: false};
    while (query) {
      const [page, next] = await job.getQueryResults(query);
      seen.push(...page.map(row => row.id));
      query = next;
      pages++;
    }
    assert.deepStrictEqual(seen, rows(25).map(row => row.id));
    assert.strictEqual(pages, 3);
    const [first, next] = await table.getRows({maxResults: 20, autoPaginate: false});
    const [second] = await table.getRows(next);
    assert.strictEqual(first.length + second.length, 25);
  },

  async 'a view shows its query'() {
    await loaded('beneath', rows(4));
    const [view] = await dataset.createTable('above', {
      view: {query: `SELECT id, size FROM \`${PROJECT}.judged.beneath\` WHERE size > 1`, useLegacySql: false},
    });
    assert.strictEqual((await view.getMetadata())[0].type, 'VIEW');
    assert.deepStrictEqual(await one('SELECT id FROM judged.above ORDER BY id'), [{id: 'r00002'}, {id: 'r00003'}]);
  },

  async 'a dry run tells the bytes and makes nothing'() {
    const [job] = await bigquery.createQueryJob({query: 'SELECT 1 AS one', dryRun: true, location: 'EU'});
    assert.ok(Number(job.metadata.statistics.totalBytesProcessed) >= 0);
  },

  async 'errors are the real ones'() {
    const absent = await refusal(dataset.table('absent').getMetadata());
    assert.strictEqual(absent.constructor.name, 'ApiError');
    assert.strictEqual(absent.code, 404);
    assert.strictEqual(absent.errors[0].reason, 'notFound');
    const doubled = await refusal(bigquery.createDataset('judged', {location: 'EU'}));
    assert.strictEqual(doubled.code, 409);
    assert.strictEqual(doubled.errors[0].reason, 'duplicate');
    await bigquery.createQueryJob({query: 'SELECT 1', jobId: 'chosen', location: 'EU'});
    const again = await refusal(bigquery.createQueryJob({query: 'SELECT 2', jobId: 'chosen', location: 'EU'}));
    assert.strictEqual(again.code, 409);
    assert.strictEqual(again.errors[0].reason, 'duplicate');
    const wrong = await refusal(one('SELEC 1'));
    assert.strictEqual(wrong.code, 400);
    assert.strictEqual(wrong.errors[0].reason, 'invalidQuery');
    const nowhere = await refusal(one('SELECT * FROM judged.nowhere'));
    assert.strictEqual(nowhere.errors[0].reason, 'notFound');
  },

  async 'what is deleted is gone'() {
    const table = await loaded('doomed', rows(1));
    await table.delete();
    assert.strictEqual((await table.exists())[0], false);
    const refused = await refusal(dataset.delete());
    assert.strictEqual(refused.errors[0].reason, 'resourceInUse');
    await dataset.delete({force: true});
    assert.strictEqual((await dataset.exists())[0], false);
  },
};

// ----------------------------------------------------------------------------------------------------------------

async function main() {
  let passed = 0;
  let failed = 0;
  for (const [name, test] of [...Object.entries(pubsubCases), ...Object.entries(bigqueryCases)]) {
    try {
      await test();
      passed++;
    } catch (error) {
      failed++;
      console.log(`FAILED: ${name}\n${error.stack}`);
    }
  }
  await low.close();
  await pubsub.close();
  fs.rmSync(folder, {recursive: true});
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}

main();
