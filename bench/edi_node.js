// Reads an EDIFACT file with the npm package `edifact` (node-edifact), in windows. Started by edi.py.
// "node bare" is the least it can do: its parser without a validator, callbacks put in place of its
// events. "node checked" is how its README uses it: a Validator with its definitions, and events.
// Neither keeps what it read, as the README's example does.
'use strict';
const fs = require('fs');
const [, , path, modules, how] = process.argv;
const Parser = require(`${modules}/edifact/parser.js`);
const Validator = require(`${modules}/edifact/validator.js`);

let segments = 0, elements = 0, messages = 0, parts;
const opensegment = (tag) => {
  segments += 1;
  if (tag === 'UNH') messages += 1;
};
const element = () => { parts = []; };
const component = (text) => {
  parts.push(text);
  elements += 1;
};

let parser;
if (how === 'node bare') {
  parser = new Parser();
  Object.assign(parser, {
    onopensegment: opensegment, onelement: element, oncomponent: component, onclosesegment() {},
  });
} else {
  const validator = new Validator();
  validator.define(require(`${modules}/edifact/segments.js`));
  validator.define(require(`${modules}/edifact/elements.js`));
  parser = new Parser(validator);
  parser.on('opensegment', opensegment).on('element', element).on('component', component);
}
parser.encoding('UNOC');

const began = process.hrtime.bigint();
const before = process.cpuUsage();
const file = fs.openSync(path, 'r');
const window = Buffer.alloc(1 << 20);
for (let size; (size = fs.readSync(file, window)) > 0;) {
  parser.write(window.latin1Slice(0, size));
}
parser.end();
const used = process.cpuUsage(before);
console.log(JSON.stringify({
  wall_s: Number(process.hrtime.bigint() - began) / 1e9,
  cpu_s: (used.user + used.system) / 1e6,
  peak_mb: Math.round(process.resourceUsage().maxRSS / 1024),
  segments, elements, messages,
}));
