using System.Text.Json;
using Bulkhead.Core;
using Bulkhead.Host;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Configuration.Fields;
using CsCheck;
using Xunit;

namespace Bulkhead.Machine.Tests.Configuration;

/// <summary>The schema says what the reader does.</summary>
public sealed class SystemSchemaTests
{
    private static readonly string s_root = Path.GetDirectoryName(Path.GetDirectoryName(SystemFileTests.Example())) ?? string.Empty;

    private static readonly FieldTable[] s_tables = [SystemFields.Top, .. SchemaWriter.Below(SystemFields.Top).Distinct()];

    private static readonly string[] s_values =
    [
        "0", "1", "2", "a", "a-b", "debian", "last", "0-3", "shell", "burn", "bvt", "1ms", "50ms", "1m30s", "512M", "1.5Gi", "16Mi", "70000", "50", "A", "x y",
        "true", "[]", "2s", "[0]", "[0-1, 7, last]", "[b]", "on-failure", "{when: always}", "{A: 1}", "exit 0", "[exit 0, restarts <= 1]", "[a]", "{}", "{value: 1ms}", "{value: 1ms, limit: 2ms, unwarp: 0}", "{value: 1ms, unwarp: 3ms}", "{limit: 1ms}",
    ];

    public static TheoryData<string, string> Fields => [.. s_tables.SelectMany(static t => t.Fields.Select(f => new TheoryDataRow<string, string>(t.Name, f.Name)))];

    [Fact]
    public void Schema_InTheDocuments_IsTheOneThatIsPrinted() =>
        Assert.Equal(SystemSchema.Text(), File.ReadAllText(Path.Combine(s_root, "docs", "system-file.schema.json")));

    [Fact]
    public void Schema_Examples_AreAccepted()
    {
        string[] examples = Directory.GetFiles(Path.Combine(s_root, "examples"), "*.yaml");

        Assert.NotEmpty(examples);
        Assert.All(examples, static e => Assert.True(Checker().Accepts(File.ReadAllText(e)), e));
    }

    /// <summary>The limits of every field are the same to the reader and in the table, and each is read at all.</summary>
    [Theory]
    [MemberData(nameof(Fields))]
    public void Reader_Field_TakesWhatTheTableSays(string table, string name)
    {
        FieldTable of = s_tables.Single(t => t.Name == table);
        ConfigField field = of.Fields.Single(f => f.Name == name);
        foreach ((string value, bool right) in Samples(field))
        {
            string yaml = Document(of, field, value);
            Assert.True(right == (Errors(yaml, field) is null), $"{yaml}: {Errors(yaml, field) ?? "the reader accepts it"}");
            bool inRange = right || field.Kind is not (FieldKind.Size or FieldKind.Duration) || value == "[[]]";
            Assert.True(right == Checker().Accepts(yaml) || !inRange, $"{yaml}: the schema says {!right}");
        }
    }

    [Theory]
    [MemberData(nameof(Fields))]
    public void Document_Field_HasALine(string table, string name)
    {
        string text = File.ReadAllText(Path.Combine(s_root, "docs", "system-file.md"));

        Assert.True(text.Contains($"| `{name}` |", StringComparison.Ordinal), $"docs/system-file.md says nothing of field {name} of a {table}");
    }

    [Theory]
    [InlineData("domains: [{name: a, image: debian}]", true)]
    [InlineData("domains: [{name: a, kernel: k, initrd: i, append: 5}]", true)]
    [InlineData("domains: [{name: a, image: debian, kernel: k}]", false)]
    [InlineData("domains: [{name: a, firmware: seabios, disks: [{file: d}]}]", true)]
    [InlineData("domains: [{name: a, image: debian, firmware: ovmf, variables: v}]", true)]
    [InlineData("domains: [{name: a, kernel: k, firmware: ovmf}]", false)]
    [InlineData("domains: [{name: a, image: debian, variables: v}]", false)]
    [InlineData("domains: [{name: a}]", false)]
    [InlineData("domains: [{image: debian}]", false)]
    [InlineData("domains: [{name: a, image: debian, initrd: i}]", false)]
    [InlineData("domains: [{name: a, kernel: k, modules: [{file: m, append: x}]}]", true)]
    [InlineData("domains: [{name: a, kernel: k, modules: [{append: x}]}]", false)]
    [InlineData("domains: [{name: a, kernel: k, task: shell}]", false)]
    [InlineData("domains: [{name: a, image: debian, wieght: 3}]", false)]
    [InlineData("domains: [{name: a, image: debian, warp: {limit: 1ms}}]", false)]
    [InlineData("domains: [{name: a, image: debian, warp: {value: 1ms, unwarp: 1ms}}]", false)]
    [InlineData("domains: [{name: a, image: debian, warp: 50ms}]", false)]
    [InlineData("domains: [{name: -a, image: debian}]", false)]
    [InlineData("domains: [{name: a-, image: debian}]", false)]
    [InlineData("domains: [{name: a2345678901234567890123456789012, image: debian}]", true)]
    [InlineData("domains: [{name: a23456789012345678901234567890123, image: debian}]", false)]
    [InlineData("domains: []", false)]
    [InlineData("domains: {name: a}", false)]
    [InlineData("domains: [{name: a, image: debian}]\npools: []", false)]
    [InlineData("pools: [{name: p}]\ndomains: [{name: a, image: debian}]", false)]
    [InlineData("pools: [{name: p, cpus: []}]\ndomains: [{name: a, image: debian}]", false)]
    [InlineData("pools: [{name: p, cpus: [0, 2-3, last], allowance: 10us}]\ndomains: [{name: a, image: debian}]", true)]
    public void Schema_AndReader_Agree(string yaml, bool right) => Assert.Equal((right, right), (Accepts(yaml), Checker().Accepts(yaml)));

    [Fact]
    public void Schema_WhateverTheReaderAccepts_IsAccepted()
    {
        SchemaChecker checker = Checker();
        int tried = 0;
        int accepted = 0;
        Gen.Select(Mapping(SystemFields.Domain, "name: a, image: debian"), Mapping(SystemFields.Pool, "name: p, cpus: [1]"), Gen.Bool).Sample(
            (domain, pool, pools) =>
            {
                string yaml = (pools ? $"pools: [{pool}]\n" : string.Empty) + $"domains: [{domain}, {{name: b, image: debian}}]";
                tried++;
                if (Accepts(yaml))
                {
                    accepted++;
                    Assert.True(checker.Accepts(yaml), yaml);
                }
            },
            iter: 20_000,
            threads: 1);
        Assert.InRange(accepted, tried / 100, tried - 1);
    }

    [Theory]
    [InlineData("512M", true)]
    [InlineData("1.5GiB", true)]
    [InlineData("4096", true)]
    [InlineData("7B", true)]
    [InlineData("512m", false)]
    [InlineData("1.Gi", false)]
    [InlineData(".5Gi", false)]
    [InlineData("5 Gi", false)]
    [InlineData("1G1M", false)]
    public void SizePattern_AndParser_Agree(string text, bool right) =>
        Assert.Equal((right, right), (Quantity.TryParseSize(text, out _), System.Text.RegularExpressions.Regex.IsMatch(text, Quantity.SizePattern)));

    [Theory]
    [InlineData("50ms", true)]
    [InlineData("1m30s", true)]
    [InlineData("1.5\u00b5s", true)]
    [InlineData("50", false)]
    [InlineData("50msec", false)]
    [InlineData("1.s", false)]
    [InlineData("", false)]
    public void DurationPattern_AndParser_Agree(string text, bool right) =>
        Assert.Equal((right, right), (Quantity.TryParseDuration(text, out _), System.Text.RegularExpressions.Regex.IsMatch(text, Quantity.DurationPattern)));

    private static Gen<string> Mapping(FieldTable table, string start)
    {
        string[] optional = [.. table.Names.Where(n => !start.Contains(n + ":", StringComparison.Ordinal)), "wrong"];
        return Gen.Select(Gen.Int[0, optional.Length - 1], Gen.Int[0, s_values.Length - 1]).Array[0, 3].Select(picks =>
            $"{{{string.Join(", ", picks.DistinctBy(static p => p.Item1).Select(p => $"{optional[p.Item1]}: {s_values[p.Item2]}").Prepend(start))}}}");
    }

    // Right and wrong values of a field; the wrong ones just outside what it takes.
    private static IEnumerable<(string Value, bool Right)> Samples(ConfigField field)
    {
        yield return ("[[]]", false);
        foreach ((string, bool) sample in field.Kind switch
        {
            FieldKind.Text when field.Name == "port" => [("80", true), ("\"6000-6010\"", true), ("[]", false)],
            FieldKind.Text when field.Name == "tag" => [("a-1.b_C", true), ("[]", false)],
            FieldKind.Text when field.Name == "size" => [("80x24", true), ("[]", false)],
            FieldKind.Text when field.Name == "name" => [("org.test_1", true), ("[]", false)],
            FieldKind.Text when field.Name == "device" => [("tap0", true), ("[]", false)],
            FieldKind.Text => [(field.Name switch { "mac" => "\"02:00:00:00:00:01\"", "display" => "640x480", "uuid" => "5c146b14-3c52-8afd-938a-375d0df1fbf6", _ => "some/text" }, true)],
            FieldKind.Name => [("a-1", true), ("1-a", false)],
            FieldKind.Choice => field.Words.Select(static w => (w, true)).Append(("zzz", false)),
            FieldKind.Number => Range(static n => $"{n}"),
            FieldKind.Size => Range(static n => $"{n}B"),
            FieldKind.Duration => Range(static n => n == 0 ? "0" : $"{n}ns"),
            FieldKind.ChoiceOrMap => field.Words.SelectMany(static w => new[] { (w, true), ($"{{when: {w}}}", true) }).Concat([("zzz", false), ("{}", false), ("{when: zzz}", false)]),
            FieldKind.Names => [("[b]", true), ("[b, 1b]", false), ("b", false)],
            FieldKind.Texts when field.Name == "forward" => [("\"tcp:1-:2\"", true), ("[\"tcp:1-:2\", \"udp:[::1]:3-:4\"]", true), ("{}", false), ("[]", false)],
            FieldKind.Texts when field.Name == "address" => [("10.0.0.1", true), ("[10.0.0.1, \"fd00::1\"]", true), ("{}", false), ("[]", false)],
            FieldKind.Texts => [("exit 0", true), ("[exit 0, restarts <= 1]", true), ("{}", false), ("[]", false)],
            FieldKind.Variables => [("{A_1: x, b: 2}", true), ("{1A: x}", false), ("{A: 'a\"b'}", false), ("{A: []}", false), ("x", false)],
            FieldKind.Cpus => [("[0]", true), ($"[{field.Most}]", true), ($"[{field.Most + 1}]", false), ("[last, 1-2]", true), ("[first]", false)],
            _ => Array.Empty<(string, bool)>(),
        })
        {
            yield return sample;
        }

        IEnumerable<(string, bool)> Range(Func<long, string> write) =>
            new[] { (write(field.Least), true), (write(field.Most), true), (write(field.Most + 1), false) }
                .Concat(field.Least > 0 ? [(write(field.Least - 1), false)] : []);
    }

    // A document in which nothing is wrong but, perhaps, this value.
    private static string Document(FieldTable table, ConfigField field, string value)
    {
        string Map(params string[] others) => "{" + string.Join(", ", others.Where(o => o.Length != 0 && !o.StartsWith(field.Name + ":", StringComparison.Ordinal)).Append($"{field.Name}: {value}")) + "}";
        const string Domains = "domains: [{name: a, image: debian}]";
        const string networked = "domains: [{name: a-1, image: debian, networks: [{name: lan}]}, {name: b, image: debian, networks: [{name: lan}]}]";
        return table.Name switch
        {
            "system" => (field.With == "clock" ? "clock: virtual\n" : string.Empty) + (field.Name == "domains" ? $"domains: {value}" : $"{field.Name}: {value}\n{Domains}"),
            "pool" => $"pools: [{Map("name: p", "cpus: [5]", value == "arinc653" ? "frame: {major: 1ms, windows: [{domain: a, at: 0, length: 1ms}]}" : string.Empty)}]\n{Domains}",
            "frame" => $"pools: [{{name: p, cpus: [5], policy: arinc653, frame: {Map("major: 1ms", "windows: [{domain: a, at: 0, length: 100us}]")}}}]\n{Domains}",
            "window" => $"pools: [{{name: p, cpus: [5], policy: arinc653, frame: {{major: 1h, windows: [{Map("domain: a-1", "at: 0", "length: 100us")}]}}}}]\ndomains: [{{name: a-1, image: debian}}]",
            "reservation" => $"pools: [{{name: p, cpus: [5], policy: edf}}]\ndomains: [{{name: a, image: debian, reservation: {Map(field.Name == "budget" ? "period: 1h" : "period: 1ms", "budget: 100us")}}}]",
            "warp" => $"domains: [{{name: a, image: debian, warp: {Map("value: 1ms", "limit: 1ms")}}}]",
            "class" => $"pools: [{{name: p, cpus: [5], policy: {(field.Name == "priority" ? "fixed-priority" : "bvt")}}}]\ndomains: [{{name: a, image: debian, classes: [{Map("name: x", "hint: 1", field.Name == "priority" ? string.Empty : "warp: 0", "limit: 1ms", "rest: 1ms")}]}}]\nchannels: [{{name: c, doorbells: 64, writers: [a]}}]",
            "module" => $"domains: [{{name: a, kernel: k, modules: [{Map("file: f")}]}}]",
            "disk" => $"domains: [{{name: a, image: debian, disks: [{Map("file: f", "requests_per_second: 1")}]}}]",
            "network" => $"networks: [{{name: a-1}}]\ndomains: [{{name: a, image: debian, networks: [{Map(field.Name switch { "forward" or "bytes_per_second" or "burst" => "name: user", "device" => "name: tap", _ => "name: a-1" }, field.Name == "burst" ? "bytes_per_second: 1" : string.Empty)}]}}]",
            "share" => $"domains: [{{name: a, image: debian, shares: [{Map("folder: f")}]}}]",
            "console" => $"domains: [{{name: a, image: debian, console: {Map("path: p")}}}]",
            "port" => $"domains: [{{name: a, image: debian, ports: [{Map("name: x", "path: p")}]}}]",
            "vsock" => $"domains: [{{name: b, image: debian, vsock: {{cid: 9}}}}, {{name: a, image: debian, vsock: {Map("cid: 3")}}}]",
            "rule" => $"networks: [{{name: lan, rules: [{Map("from: b", "to: any", field.Name == "port" ? "protocol: tcp" : string.Empty)}]}}]\n{networked}",
            "domain_network" => $"networks: [{Map("name: lan")}]\n{Domains}",
            "channel" => $"channels: [{Map("name: c", field.Name == "readers" ? "writers: [a]" : "writers: [b]")}]\n{Domains.Replace("}]", "}, {name: b, image: debian}]", StringComparison.Ordinal)}",
            "restart" => $"domains: [{{name: a, image: debian, restart: {Map("when: never")}}}]",
            "domain" when field.Kind == FieldKind.Cpus => $"pools: [{{name: p, cpus: [0-{field.Most}, last]}}]\ndomains: [{Map("name: a", "image: debian")}]",
            _ => $"pools: [{{name: a-1, cpus: [5]{(field.Name == "priority" ? ", policy: fixed-priority" : string.Empty)}}}]\ndomains: [{{name: b, image: debian}}, {Map("name: a", field.Name == "kernel" || field.With == "kernel" ? "kernel: k" : "image: debian", field.With == "firmware" ? "firmware: ovmf" : string.Empty)}]",
        };
    }

    // What the reader says of the field, or null.
    private static string? Errors(string yaml, ConfigField field)
    {
        try
        {
            _ = SystemFile.Parse("s.yaml", yaml);
            return null;
        }
        catch (OperatorException e)
        {
            Assert.Contains(field.Name, e.Message.Split(": ")[1], StringComparison.Ordinal);
            return e.Message;
        }
    }

    private static bool Accepts(string yaml)
    {
        try
        {
            _ = SystemFile.Parse("s.yaml", yaml);
            return true;
        }
        catch (OperatorException)
        {
            return false;
        }
    }

    private static SchemaChecker Checker() => new(JsonDocument.Parse(SystemSchema.Text()).RootElement);
}
