// For the CDK CLI, in tests alone.
//
// The CDK CLI asks every five seconds whether CloudFormation is done, which takes AWS minutes and the emulator less than a second.
const wait = globalThis.setTimeout;

function quick(callback, ms, ...rest) {
  const polls = ms === 5000 && /\bwaitFor\b/.test(new Error().stack);
  return wait(callback, polls ? 500 : ms, ...rest);
}

// util.promisify finds its own variant there.
globalThis.setTimeout = Object.defineProperties(quick, Object.getOwnPropertyDescriptors(wait));

// What the app runs is measured where tests synthesize in their own process.
for (const name of Object.keys(process.env)) {
  if (name.startsWith("COVERAGE_")) {
    delete process.env[name];
  }
}
