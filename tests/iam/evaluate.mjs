// Decides requests as IAM does: a line of JSON with policies and requests in, a line with one word for each request out, until the
// input ends. A policy is sent once, and named by its number: those of a line go on with the numbers of the line before.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'

const require = createRequire(import.meta.url)
const { runSimulation } = require('@cloud-copilot/iam-simulate')
const ofSimulate = createRequire(require.resolve('@cloud-copilot/iam-simulate'))
const { createValidatedPolicy, validateIdentityPolicy, validateResourcePolicy } = ofSimulate('@cloud-copilot/iam-policy')

// What kind of resource a name is of takes half of the time, and is asked for each role again.
const resourceTypes = ofSimulate(join(dirname(ofSimulate.resolve('@cloud-copilot/iam-utils')), 'resourceTypes.js'))
const slowly = resourceTypes.mostSpecificMatchingResourceTypePatterns
const found = new Map()
resourceTypes.mostSpecificMatchingResourceTypePatterns = (resource, patterns) => {
  const asked = JSON.stringify([resource, patterns])
  if (!found.has(asked)) {
    found.set(asked, slowly(resource, patterns))
  }
  return found.get(asked)
}

const policies = []
const validated = { identity: new Map(), resource: new Map() }

function policy(number, kind, validate) {
  const known = validated[kind]
  if (!known.has(number)) {
    known.set(number, createValidatedPolicy(policies[number], validate))
  }
  return known.get(number)
}

function simulation({ identity, resourcePolicy, request }) {
  return {
    request,
    identityPolicies: identity.map((one, n) => ({ name: String(n), policy: policy(one, 'identity', validateIdentityPolicy) })),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    ...(resourcePolicy === null ? {} : { resourcePolicy: policy(resourcePolicy, 'resource', validateResourcePolicy) })
  }
}

async function decided(requests) {
  const answers = []
  for (const asked of requests) {
    const answer = await runSimulation(simulation(asked), {})
    if (answer.resultType === 'error') {
      throw new Error(JSON.stringify({ request: asked.request, errors: answer.errors }))
    }
    answers.push(answer.overallResult)
  }
  return answers
}

for await (const line of createInterface({ input: process.stdin })) {
  let said
  try {
    const { added, requests } = JSON.parse(line)
    policies.push(...added)
    said = { answers: await decided(requests) }
  } catch (error) {
    said = { error: String(error.stack) }
  }
  process.stdout.write(JSON.stringify(said) + '\n')
}
