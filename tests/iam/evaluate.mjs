// Decides requests as IAM does: a line with simulations as a JSON array in, a line with one word for each out, until the input ends.
import { createInterface } from 'node:readline'
import { runSimulation } from '@cloud-copilot/iam-simulate'

async function decided(simulations) {
  const answers = []
  for (const simulation of simulations) {
    const answer = await runSimulation(simulation, {})
    if (answer.resultType === 'error') {
      throw new Error(JSON.stringify({ request: simulation.request, errors: answer.errors }))
    }
    answers.push(answer.overallResult)
  }
  return answers
}

for await (const line of createInterface({ input: process.stdin })) {
  let said
  try {
    said = { answers: await decided(JSON.parse(line)) }
  } catch (error) {
    said = { error: String(error.stack) }
  }
  process.stdout.write(JSON.stringify(said) + '\n')
}
