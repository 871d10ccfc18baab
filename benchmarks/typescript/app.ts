// The same tenants as a plain CDK TypeScript app: L2 constructs, as the CDK's documentation shows them.
// Reads cells and tenants from the JSON file in TENANTS_JSON. It says what the CDK costs without Python in front.
import { readFileSync } from 'node:fs';
import * as cdk from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sources from 'aws-cdk-lib/aws-lambda-event-sources';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as ses from 'aws-cdk-lib/aws-ses';
import * as actions from 'aws-cdk-lib/aws-ses-actions';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import * as stepfunctions from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';

interface CellSpec { id: string; region: string }
interface TenantSpec { id: string; subdomain: string; cell: string; addresses: string[] }

class Cell extends cdk.Stack {
  readonly key: kms.Key;
  readonly logs: s3.Bucket;

  constructor(app: cdk.App, cell: CellSpec, handler: string) {
    super(app, `Cell-${cell.id}`, { env: { region: cell.region } });
    this.key = new kms.Key(this, 'AlertsKey', { enableKeyRotation: true });
    this.logs = new s3.Bucket(this, 'AccessLogs', {
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      encryption: s3.BucketEncryption.S3_MANAGED,
      enforceSSL: true,
    });
    new ses.ReceiptRuleSet(this, 'RuleSet', { receiptRuleSetName: `email-cell-${cell.id}` });
    const activator = new lambda.Function(this, 'Activator', {
      runtime: lambda.Runtime.PYTHON_3_14,
      code: lambda.Code.fromAsset(handler),
      handler: 'handler.on_event',
    });
    activator.addToRolePolicy(new iam.PolicyStatement({
      actions: ['ses:SetActiveReceiptRuleSet', 'ses:DescribeActiveReceiptRuleSet'],
      resources: ['*'],
    }));
    new cdk.CustomResource(this, 'Activation', { serviceToken: activator.functionArn });
  }
}

class Tenant extends cdk.Stack {
  constructor(app: cdk.App, tenant: TenantSpec, cell: Cell) {
    super(app, `Tenant-${tenant.id}`, { env: { region: cell.region } });
    const domain = tenant.subdomain;
    const zone = new route53.PublicHostedZone(this, 'Zone', { zoneName: domain });
    const configurationSet = new ses.ConfigurationSet(this, 'ConfigurationSet', {
      tlsPolicy: ses.ConfigurationSetTlsPolicy.REQUIRE,
      reputationMetrics: true,
    });
    const identity = new ses.EmailIdentity(this, 'Identity', {
      identity: ses.Identity.publicHostedZone(zone),
      mailFromDomain: `mail.${domain}`,
      configurationSet,
      feedbackForwarding: false,
    });
    new route53.MxRecord(this, 'Mx', {
      zone,
      values: [{ hostName: `inbound-smtp.${this.region}.amazonaws.com`, priority: 10 }],
    });
    new route53.TxtRecord(this, 'Spf', { zone, values: ['v=spf1 include:amazonses.com ~all'] });
    new route53.TxtRecord(this, 'Dmarc', {
      zone,
      recordName: `_dmarc.${domain}.`,
      values: [`v=DMARC1; p=quarantine; rua=mailto:postmaster@${domain}`],
    });
    new ses.CfnTenant(this, 'Tenant', {
      tenantName: tenant.id,
      resourceAssociations: [
        { resourceArn: identity.emailIdentityArn },
        {
          resourceArn: this.formatArn({
            service: 'ses', resource: 'configuration-set', resourceName: configurationSet.configurationSetName,
          }),
        },
      ],
    });
    const bucket = new s3.Bucket(this, 'Inbox', {
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      encryption: s3.BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      versioned: true,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      lifecycleRules: [
        { prefix: 'raw/', expiration: cdk.Duration.days(90) },
        { noncurrentVersionExpiration: cdk.Duration.days(90) },
      ],
      serverAccessLogsBucket: cell.logs,
      serverAccessLogsPrefix: `${tenant.id}/`,
    });
    const ruleSet = ses.ReceiptRuleSet.fromReceiptRuleSetName(this, 'RuleSet', `email-cell-${tenant.cell}`);
    ruleSet.addRule('Rule', {
      receiptRuleName: `${tenant.id}-0`,
      recipients: [...tenant.addresses, 'postmaster', 'abuse'].map((localPart) => `${localPart}@${domain}`),
      scanEnabled: true,
      tlsPolicy: ses.TlsPolicy.REQUIRE,
      actions: [new actions.S3({ bucket, objectKeyPrefix: 'raw/' })],
    });
    const topic = new sns.Topic(this, 'Alerts', { masterKey: cell.key, enforceSSL: true });
    const addresses = tenant.addresses.map((localPart) => `${localPart}@${domain}`);
    const table = this.table();
    const filing = this.worker('Filing', 'mailroom.functions.ingest.on_event', table);
    filing.work.addToRolePolicy(new iam.PolicyStatement({
      actions: ['ses:SendEmail', 'ses:SendRawEmail'],
      resources: [identity.emailIdentityArn],
      conditions: { StringEquals: { 'ses:FromAddress': addresses } },
    }));
    this.track(configurationSet, this.worker('Noting', 'mailroom.functions.tracking.on_event', table).queue);
    this.writeAddresses(table, addresses);
    const outputs: Record<string, string> = {
      BucketName: bucket.bucketName,
      IdentityArn: identity.emailIdentityArn,
      ConfigurationSetName: configurationSet.configurationSetName,
      SesTenantName: tenant.id,
      MailFromDomain: `mail.${domain}`,
      AlertsTopicArn: topic.topicArn,
      ReceiptRuleNames: `${tenant.id}-0`,
      HostedZoneId: zone.hostedZoneId,
      NameServers: cdk.Fn.join(', ', zone.hostedZoneNameServers ?? []),
    };
    for (const [name, value] of Object.entries(outputs)) {
      new cdk.CfnOutput(this, name, { value });
    }
  }

  private table(): dynamodb.Table {
    const table = new dynamodb.Table(this, 'Messages', {
      partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
      sortKey: { name: 'sk', type: dynamodb.AttributeType.STRING },
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      encryption: dynamodb.TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      timeToLiveAttribute: 'expires',
      deletionProtection: true,
    });
    table.addGlobalSecondaryIndex({
      indexName: 'threads-by-activity',
      partitionKey: { name: 'listed', type: dynamodb.AttributeType.STRING },
      sortKey: { name: 'latest', type: dynamodb.AttributeType.STRING },
    });
    return table;
  }

  // A queue with dead letters, the function that works it off, and two alarms.
  private worker(name: string, handler: string, table: dynamodb.Table): { work: lambda.Function; queue: sqs.Queue } {
    const deadLetters = new sqs.Queue(this, `${name}DeadLetters`, { enforceSSL: true });
    const queue = new sqs.Queue(this, `${name}Queue`, {
      enforceSSL: true,
      visibilityTimeout: cdk.Duration.minutes(3),
      deadLetterQueue: { queue: deadLetters, maxReceiveCount: 5 },
    });
    const work = new lambda.Function(this, name, {
      runtime: lambda.Runtime.PYTHON_3_14,
      architecture: lambda.Architecture.ARM_64,
      code: lambda.Code.fromAsset(process.env.CODE!),
      handler,
      timeout: cdk.Duration.minutes(2),
      environment: { TABLE_NAME: table.tableName },
      logGroup: new logs.LogGroup(this, `${name}Logs`, { retention: logs.RetentionDays.ONE_YEAR }),
    });
    table.grantReadWriteData(work);
    work.addEventSource(new sources.SqsEventSource(queue, { batchSize: 1, maxConcurrency: 5 }));
    this.alarm(`${name}Dead`, deadLetters.metricApproximateNumberOfMessagesVisible(), 0);
    this.alarm(`${name}Oldest`, queue.metricApproximateAgeOfOldestMessage(), 900);
    return { work, queue };
  }

  private alarm(name: string, metric: cloudwatch.IMetric, threshold: number): void {
    new cloudwatch.Alarm(this, name, {
      metric,
      threshold,
      evaluationPeriods: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
    });
  }

  private track(configurationSet: ses.ConfigurationSet, queue: sqs.Queue): void {
    configurationSet.addEventDestination('Events', {
      destination: ses.EventDestination.eventBus(events.EventBus.fromEventBusName(this, 'Bus', 'default')),
    });
    const fields = ['$.detail.eventType', '$.detail.mail.messageId', '$.detail.mail.timestamp', '$.detail.click.link'];
    const text = fields.map((field) => events.EventField.fromPath(field)).join('|');
    new events.Rule(this, 'Tracking', {
      eventPattern: {
        source: ['aws.ses'],
        detail: { mail: { tags: { 'ses:configuration-set': [configurationSet.configurationSetName] } } },
      },
      targets: [new targets.SqsQueue(queue, { message: events.RuleTargetInput.fromText(text) })],
    });
  }

  private writeAddresses(table: dynamodb.Table, addresses: string[]): void {
    const write = new tasks.DynamoPutItem(this, 'Write', {
      table,
      item: {
        pk: tasks.DynamoAttributeValue.fromString('ADDRESSES'),
        sk: tasks.DynamoAttributeValue.fromString('BOOK'),
        addresses: tasks.DynamoAttributeValue.fromStringSet(addresses),
      },
    });
    const machine = new stepfunctions.StateMachine(this, 'Writing', {
      definitionBody: stepfunctions.DefinitionBody.fromChainable(write),
    });
    new events.Rule(this, 'Addresses', {
      schedule: events.Schedule.rate(cdk.Duration.hours(6)),
      eventPattern: { source: ['aws.cloudformation'], detail: { 'stack-id': [this.stackId] } },
      targets: [new targets.SfnStateMachine(machine)],
    });
    this.alarm('Failing', machine.metricFailed(), 0);
  }
}

const spec = JSON.parse(readFileSync(process.env.TENANTS_JSON!, 'utf-8')) as { cells: CellSpec[]; tenants: TenantSpec[] };
const app = new cdk.App();
const cells = new Map(spec.cells.map((cell) => [cell.id, new Cell(app, cell, process.env.HANDLER!)]));
for (const tenant of spec.tenants) {
  new Tenant(app, tenant, cells.get(tenant.cell)!);
}
app.synth();
