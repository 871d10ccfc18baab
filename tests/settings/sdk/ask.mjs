// Asks the settings API with a client that customers use: one JSON request a line in, one JSON answer a line out.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [base, folder] = process.argv.slice(2);
const require = createRequire(`${folder}/package.json`);
const modules = {
  "email-settings-client": "@epilot/email-settings-client",
  sdk: "@epilot/sdk/email-settings",
};
const clients = Object.fromEntries(
  Object.entries(modules).map(([name, module]) => {
    const client = require(module).createClient();
    client.defaults.baseURL = base;
    return [name, client];
  }),
);

for await (const line of createInterface({ input: process.stdin })) {
  const { client, operation, parameters, body, headers } = JSON.parse(line);
  let answer;
  try {
    const { status, data } = await clients[client][operation](parameters, body, { headers });
    answer = { status, data };
  } catch (error) {
    answer = error.response
      ? { status: error.response.status, data: error.response.data }
      : { status: 0, data: String(error) };
  }
  console.log(JSON.stringify(answer));
}
