using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Bulkhead.Cli.Changes;
using Bulkhead.Machine.Configuration;
using Xunit;

namespace Bulkhead.Cli.Tests;

/// <summary>What of a system file a running system takes on, and what is refused by which words.</summary>
public sealed class SystemChangeTests : IDisposable
{
    private const string File0 = """
        pools:
          - { name: one, cpus: [0] }
          - { name: two, cpus: [1-2], policy: edf }
        channels:
          - { name: ring, writers: [box], readers: [web] }
        networks:
          - name: lan
            rules: [{ from: box, to: web, protocol: tcp, port: 80 }]
        domains:
          - name: box
            kernel: k
            pool: one
            networks: [{ name: lan, mac: "52:00:00:00:00:01", address: 10.0.0.1 }, { name: user, forward: ["tcp:2222-:22"] }]
            vsock: { cid: 5, peers: [web] }
            shares: [{ folder: /a, tag: data }]
            console: { path: /c, size: 80x24 }
            ports: [{ name: agent, path: /p }]
            disks: [{ file: /d }]
            environment: { COLOUR: red }
          - { name: web, image: debian, pool: two, networks: [{ name: lan }], vsock: { cid: 6 } }
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("bulkhead-change").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("cid: 5", "cid: 7", "domain box: vsock.cid 5, now 7")]
    [InlineData("cid: 5, peers: [web]", "cid: 5", "domain box: vsock.peers web, now none")]
    [InlineData("vsock: { cid: 6 }", "vsock: { cid: 6, path: /v }", "domain web: vsock.path none, now /v")]
    [InlineData("address: 10.0.0.1", "address: [10.0.0.1, 10.0.0.2]", "domain box: networks[0].addresses 10.0.0.1, now 10.0.0.1, 10.0.0.2")]
    [InlineData("00:01\"", "00:02\"", "domain box: networks[0].mac 52:00:00:00:00:01, now 52:00:00:00:00:02")]
    [InlineData("tcp:2222-:22", "tcp:2223-:22", "domain box: networks[1].forwards[0].host_port 2222, now 2223")]
    [InlineData("tag: data", "tag: data, read_only: true", "domain box: shares[0].read_only false, now true")]
    [InlineData("size: 80x24", "size: 80x25", "domain box: console.rows 24, now 25")]
    [InlineData("path: /p", "path: /q", "domain box: ports[0].path /p, now /q")]
    [InlineData("name: agent", "name: other", "domain box: ports agent, now other")]
    [InlineData("file: /d", "file: /d, read_only: true", "domain box: disks[0].read_only false, now true")]
    [InlineData("COLOUR: red", "COLOUR: blue", "domain box: environment [COLOUR, red], now [COLOUR, blue]")]
    [InlineData("image: debian", "image: debian, snapshot: true", "domain web: snapshot false, now true")]
    [InlineData("image: debian", "image: debian, display: 640x480", "domain web: display none, now 640x480")]
    [InlineData("image: debian", "image: debian, memory: 512M", "domain web: memory 268435456, now 536870912")]
    [InlineData("name: box", "name: bax", "domains box, web, now bax, web", "writers: [box]", "writers: [bax]", "from: box", "from: bax")]
    [InlineData("port: 80", "port: 81", "network lan: rules[0].first_port 80, now 81")]
    [InlineData("name: lan\n    rules", "name: lan\n    mtu: 1400\n    rules", "network lan: mtu 1500, now 1400")]
    [InlineData("name: ring,", "name: ring, size: 2Mi,", "channel ring: size 1048576, now 2097152")]
    [InlineData(", readers: [web]", "", "channel ring: members (box, True), (web, False), now (box, True)")]
    [InlineData("cpus: [0]", "cpus: [3-4]", "pool one: cpus 0, now 3-4")]
    [InlineData("cpus: [0]", "cpus: [0], spin: 50us", "pool one: spin 30000, now 50000")]
    [InlineData("cpus: [0]", "cpus: [0], realtime: never", "pool one: realtime true, now false")]
    public void Differences_OfWhatCannotChange_AreNamed(string before, string after, string expected, params string[] more)
    {
        string changed = File0.Replace(before, after, StringComparison.Ordinal);
        for (int i = 0; i < more.Length; i += 2)
        {
            changed = changed.Replace(more[i], more[i + 1], StringComparison.Ordinal);
        }

        IReadOnlyList<string> found = SystemChange.Differences(Load(File0), Load(changed));
        Assert.Contains(expected, found);
        Assert.True(found.Count == 1 || before is "port: 80" or "name: box", string.Join('\n', found)); // the first and last of a range; who is named elsewhere
    }

    [Fact]
    public void Differences_OfShareAndCare_AreNone()
    {
        string changed = File0.Replace("pool: one\n", "pool: one\n    weight: 3\n    warp: { value: 1ms }\n    latency: 1s\n    restart: always\n    watchdog: 5s\n    depends_on: [web]\n    expect: exit 0\n", StringComparison.Ordinal);
        Assert.Empty(SystemChange.Differences(Load(File0), Load(changed)));
        Assert.Empty(SystemChange.Differences(Load(File0), Load(File0.Replace("cpus: [0]", "cpus: [0], policy: edf, allowance: 2ms", StringComparison.Ordinal))));
    }

    /// <summary>A field that the tree did not have could change unseen.</summary>
    [Fact]
    public void Tree_OfASystem_HasWhateverItsRecordsKeep()
    {
        var seen = new HashSet<Type>();
        var missing = new List<string>();
        Look(typeof(SystemConfig));
        Assert.Contains(typeof(Bulkhead.Machine.Devices.PortForward), seen); // a list's, of a list's
        Assert.Empty(missing);

        void Look(Type type)
        {
            type = Nullable.GetUnderlyingType(type) ?? type;
            if (!seen.Add(type) || ConfigJson.Default.GetTypeInfo(type) is not { } tree)
            {
                return;
            }

            if (tree.Kind == JsonTypeInfoKind.Enumerable)
            {
                Look(type.GetInterfaces().Append(type).First(static t => t.IsGenericType && t.GetGenericTypeDefinition() == typeof(IEnumerable<>)).GetGenericArguments()[0]);
            }
            else if (tree.Kind == JsonTypeInfoKind.Object)
            {
                foreach (FieldInfo field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
                {
                    string name = JsonNamingPolicy.SnakeCaseLower.ConvertName(field.Name.TrimStart('<').Split('>')[0]);
                    bool kept = field.IsPublic || type.GetProperty(field.Name.TrimStart('<').Split('>')[0])?.SetMethod is { IsPublic: true }; // others are taken for computed
                    if (!kept || tree.Properties.All(p => p.Name != name || p.Get is null))
                    {
                        missing.Add($"{type.Name}.{field.Name}");
                    }

                    Look(field.FieldType);
                }
            }
        }
    }

    private SystemConfig Load(string text)
    {
        string file = Path.Combine(_folder, "system.yaml");
        File.WriteAllText(file, text);
        return SystemFile.Load(file);
    }
}
