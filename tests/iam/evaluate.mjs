// Decides requests as IAM does: simulations as a JSON array in, one word for each out.
import { readFileSync } from 'node:fs'
import { runSimulation } from '@cloud-copilot/iam-simulate'

const answers = []
for (const simulation of JSON.parse(readFileSync(0, 'utf-8'))) {
  const answer = await runSimulation(simulation, {})
  if (answer.resultType === 'error') {
    throw new Error(JSON.stringify({ request: simulation.request, errors: answer.errors }))
  }
  answers.push(answer.overallResult)
}
process.stdout.write(JSON.stringify(answers))
