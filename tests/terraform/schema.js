// SPDX-License-Identifier: Apache-2.0
// schema.js - the schema of Terraform's google provider, read from the npm package @cdktf/provider-google.
//
// The package is generated from the provider's own schema. Of each attribute, its code has the name, the type, and
// whether it is a block; its declarations have whether it is required; a getter without an option is computed.
"use strict";
const fs = require("fs");
const path = require("path");

const NESTING = { single: 1, list: 2, set: 3 };

/** Of each function or class of a resource's code: the attributes that it writes. */
function writers(code) {
    const found = {};
    let name = null, attributes = null, attribute = null;
    for (const line of code.split("\n")) {
        let match;
        if ((match = line.match(/^function (\w+)ToHclTerraform\(/))) name = match[1];
        else if (line.match(/^ {4}synthesizeHclAttributes\(\)/)) name = "";
        else if (line.match(/^ +const attrs = \{$/) && name !== null) attributes = found[name] = {};
        else if (attributes && line.match(/^ +\};$/)) attributes = name = attribute = null;
        else if (attributes && (match = line.match(/^ +(\w+): \{$/))) attribute = attributes[match[1]] = {};
        else if (attribute && (match = line.match(/^ +value: (.*),$/))) {
            attribute.struct = (match[1].match(/(\w+)ToHclTerraform\b/) || [])[1];
            attribute.repeats = match[1].includes("listMapperHcl(");
        } else if (attribute && (match = line.match(/^ +(isBlock|type|storageClassType): "?(\w+)"?,$/)))
            attribute[match[1]] = match[2];
    }
    return found;
}

/** Of each interface of the declarations: whether an option is required. */
function requirements(declarations) {
    const found = {};
    let options = null;
    for (const line of declarations.split("\n")) {
        const start = line.match(/^export interface (\w+)/);
        const option = line.match(/^ {4}readonly (\w+)(\??):/);
        if (start) options = found[lowerFirst(start[1])] = {};
        else if (option && options) options[option[1]] = option[2] === "";
    }
    return found;
}

const lowerFirst = (name) => name[0].toLowerCase() + name.slice(1);
const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
const snake = (name) => name.replace(/([A-Z])/g, (letter) => "_" + letter.toLowerCase());

function typeOf(attribute) {
    const scalar = { string: "string", number: "number", boolean: "bool", any: "string" };
    const element = scalar[attribute.storageClassType.replace(/(List|Map|Set)$/, "")] || "string";
    return attribute.type === "simple" ? scalar[attribute.storageClassType] || "string" : [attribute.type, element];
}

function block(code, declared, struct, options) {
    const made = { attributes: [], block_types: [] };
    for (const [name, attribute] of Object.entries(code[struct])) {
        const required = (declared[options] || {})[camel(name)] === true;
        if (attribute.isBlock === "true" && attribute.struct && code[attribute.struct]) {
            const single = attribute.type === "struct";
            made.block_types.push({
                type_name: name,
                nesting: single ? NESTING.single : NESTING[attribute.type],
                min_items: required && !single ? 1 : 0,
                max_items: single || attribute.repeats ? 0 : 1,
                block: block(code, declared, attribute.struct, attribute.struct),
            });
        } else {
            made.attributes.push({
                name,
                type: Buffer.from(JSON.stringify(typeOf(attribute))),
                required,
                optional: !required,
                computed: ["id", "project", "region", "location"].includes(name) && !required,
                write_only: name.endsWith("_wo"),
            });
        }
    }
    return made;
}

/** Adds what the provider only computes: getters of the class without an option of that name. */
function addComputed(made, declarations, className) {
    const known = new Set([...made.attributes.map((one) => one.name), ...made.block_types.map((one) => one.type_name)]);
    const start = declarations.indexOf(`export declare class ${className} extends`);
    for (const match of declarations.slice(start).matchAll(/^ {4}get (\w+)\(\): (string|number|cdktf\.IResolvable|cdktf\.StringMap|string\[\]);$/gm)) {
        const name = snake(match[1]);
        if (known.has(name) || match[1].endsWith("Input")) continue;
        const type = { string: "string", number: "number", "cdktf.IResolvable": "bool", "cdktf.StringMap": ["map", "string"],
                       "string[]": ["list", "string"] }[match[2]];
        made.attributes.push({ name, type: Buffer.from(JSON.stringify(type)), computed: true });
    }
}

/** The schema of one resource ("google_pubsub_topic") or data source. */
function read(library, name, isData) {
    const folder = path.join(library, (isData ? "data-" : "") + (isData ? name : name.replace(/^google_/, "")).replace(/_/g, "-"));
    const code = writers(fs.readFileSync(path.join(folder, "index.js"), "utf8"));
    const declarations = fs.readFileSync(path.join(folder, "index.d.ts"), "utf8");
    const declared = requirements(declarations);
    const className = declarations.match(/export declare class (\w+) extends cdktf\.Terraform(?:Resource|DataSource|Provider) /)[1];
    const made = block(code, declared, "", lowerFirst(className) + "Config");
    addComputed(made, declarations, className);
    return { version: 0, block: made };
}

module.exports = { read };
