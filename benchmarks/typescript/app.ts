// The same tenants as a plain CDK TypeScript app: L2 constructs, as the CDK's documentation shows them.
// Reads cells and tenants from the JSON file in TENANTS_JSON. It says what the CDK costs without Python in front.
import { readFileSync } from 'node:fs';
import * as cdk from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as ses from 'aws-cdk-lib/aws-ses';
import * as actions from 'aws-cdk-lib/aws-ses-actions';
import * as sns from 'aws-cdk-lib/aws-sns';

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
}

const spec = JSON.parse(readFileSync(process.env.TENANTS_JSON!, 'utf-8')) as { cells: CellSpec[]; tenants: TenantSpec[] };
const app = new cdk.App();
const cells = new Map(spec.cells.map((cell) => [cell.id, new Cell(app, cell, process.env.HANDLER!)]));
for (const tenant of spec.tenants) {
  new Tenant(app, tenant, cells.get(tenant.cell)!);
}
app.synth();
