// For the CDK CLI, in tests alone: what it does while it waits, and again and again.
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const processes = require("node:child_process");

// The CDK CLI asks every five seconds whether CloudFormation is done, which takes AWS minutes and the emulator less than a second.
const wait = globalThis.setTimeout;

function quick(callback, ms, ...rest) {
  const polls = ms === 5000 && /\bwaitFor\b/.test(new Error().stack);
  return wait(callback, polls ? 200 : ms, ...rest);
}

// util.promisify finds its own variant there.
globalThis.setTimeout = Object.defineProperties(quick, Object.getOwnPropertyDescriptors(wait));

const KEPT = process.env.REMEMBERED_ASSEMBLIES;
const OF_ONE_ACCOUNT = new Set(["AWS_CA_BUNDLE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"]);

// A file that names the assembly of a synthesis into a temporary folder, and that folder: the same input gives the same assembly.
function synthesis() {
  const [verb, ...given] = process.argv.slice(2);
  const at = given.indexOf("--output");
  if (!KEPT || verb !== "synth" || !given.includes("--quiet") || !/\/cdk\.out-[^/]+\/cdk\.out$/.test(given[at + 1])) {
    return null;
  }
  const [, output] = given.splice(at, 2);
  const config = given.splice(given.findIndex((one) => one.startsWith("config=")), 1)[0].slice("config=".length);
  if (!fs.statSync(config, { throwIfNoEntry: false })?.isFile()) {
    return null;
  }
  const variables = Object.entries(process.env).filter(
    ([name]) => /^(AWS|CDK)_/.test(name) && !OF_ONE_ACCOUNT.has(name),
  );
  const input = JSON.stringify([given, fs.readFileSync(config, "utf8"), variables.sort()]);
  return { note: path.join(KEPT, `synthesis.${createHash("sha256").update(input).digest("hex")}`), output };
}

const asked = synthesis();

if (asked && fs.existsSync(asked.note)) {
  const assembly = path.join(KEPT, fs.readFileSync(asked.note, "utf8"));
  fs.mkdirSync(asked.output, { recursive: true });
  for (const entry of fs.readdirSync(assembly, { withFileTypes: true })) {
    const [from, to] = [assembly, asked.output].map((folder) => path.join(folder, entry.name));
    if (entry.isSymbolicLink()) {
      fs.symlinkSync(fs.readlinkSync(from), to);
    } else {
      fs.linkSync(from, to);
    }
  }
  fs.symlinkSync(path.join(KEPT, ".cache"), path.join(asked.output, ".cache"));
  process.exit(0);
}

if (asked) {
  // The app tells which assembly it is; the CDK CLI may refuse it.
  const told = `${asked.note}.${process.pid}`;
  process.env.REMEMBERED_NOTE = told;
  process.on("exit", (code) => {
    if (code === 0 && fs.existsSync(told)) {
      fs.renameSync(told, asked.note);
    } else {
      fs.rmSync(told, { force: true });
    }
  });
}

// The app runs once for each config.
const spawn = processes.spawn;
const APP = path.join(__dirname, "..", "..", "app.py");

processes.spawn = function (command, ...rest) {
  const remembers = typeof command === "string" && command.includes(APP) && KEPT;
  const remembering = `python "${path.join(__dirname, "remembered_app.py")}" ${command}`;
  return spawn.call(this, remembers ? remembering : command, ...rest);
};

// What the app runs is measured where tests synthesize in their own process.
for (const name of Object.keys(process.env)) {
  if (name.startsWith("COVERAGE_")) {
    delete process.env[name];
  }
}
