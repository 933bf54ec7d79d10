// SPDX-License-Identifier: Apache-2.0
// provider.js - a provider that only serves the schema of Terraform's google provider, for validate and for test with
// mocked providers.
//
//     node provider.js LIBRARY SOCKET RESOURCE ... data:SOURCE ...
//
// LIBRARY is node_modules/@cdktf/provider-google/lib. Prints "ready" once it listens; ends when stdin ends.
"use strict";
const path = require("path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");
const { read } = require(path.join(__dirname, "schema.js"));

const [library, socket, ...names] = process.argv.slice(2);
const schema = { provider: { block: { attributes: [], block_types: [] } }, resource_schemas: {}, data_source_schemas: {} };
for (const name of ["project", "region", "zone", "credentials", "impersonate_service_account", "billing_project"])
    schema.provider.block.attributes.push({ name, type: Buffer.from('"string"'), optional: true });
for (const name of names) {
    if (name.startsWith("data:")) schema.data_source_schemas[name.slice(5)] = read(library, name.slice(5), true);
    else schema.resource_schemas[name] = read(library, name, false);
}

const service = loader.loadSync(path.join(__dirname, "tfplugin5.proto"), { keepCase: true });
const empty = (call, done) => done(null, {});
const server = new grpc.Server({ "grpc.max_send_message_length": -1, "grpc.max_receive_message_length": -1 });
server.addService(service["tfplugin5.Provider"], {
    GetSchema: (call, done) => done(null, schema),
    PrepareProviderConfig: (call, done) => done(null, { prepared_config: call.request.config }),
    ValidateResourceTypeConfig: empty,
    ValidateDataSourceConfig: empty,
    Configure: empty,
    Stop: empty,
});
server.bindAsync("unix:" + socket, grpc.ServerCredentials.createInsecure(), (error) => {
    if (error) throw error;
    console.log("ready");
});
process.stdin.resume().on("end", () => process.exit(0));
