// For the CDK CLI, in tests alone: what it does while it waits, and again and again.
//
// The CDK CLI asks every five seconds whether CloudFormation is done, which takes AWS minutes and the emulator less than a second.
const wait = globalThis.setTimeout;

function quick(callback, ms, ...rest) {
  const polls = ms === 5000 && /\bwaitFor\b/.test(new Error().stack);
  return wait(callback, polls ? 500 : ms, ...rest);
}

// util.promisify finds its own variant there.
globalThis.setTimeout = Object.defineProperties(quick, Object.getOwnPropertyDescriptors(wait));

// The app runs once for each config.
const processes = require("node:child_process");
const path = require("node:path");
const spawn = processes.spawn;
const APP = path.join(__dirname, "..", "..", "app.py");

processes.spawn = function (command, ...rest) {
  const remembers = typeof command === "string" && command.includes(APP) && process.env.REMEMBERED_ASSEMBLIES;
  const remembering = `python "${path.join(__dirname, "remembered_app.py")}" ${command}`;
  return spawn.call(this, remembers ? remembering : command, ...rest);
};

// What the app runs is measured where tests synthesize in their own process.
for (const name of Object.keys(process.env)) {
  if (name.startsWith("COVERAGE_")) {
    delete process.env[name];
  }
}
