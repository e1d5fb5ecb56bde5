using Bulkhead.Host.Memory;
using Xunit;

namespace Bulkhead.Host.Tests;

public sealed class HostMemoryTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Read_NoCgroup_IsWhatTheHostHasAvailable()
    {
        string file = Write("proc/meminfo", "MemTotal:       24683756 kB\nMemAvailable:   23624216 kB\n");

        Assert.Equal(new HostMemory(23624216UL << 10, file, IsLimit: false), HostMemory.Read(_root));
    }

    [Theory]
    [InlineData("0::/a/b\n", "sys/fs/cgroup/a/b/memory.max", "1048576\n", true)]
    [InlineData("0::/a/b\n", "sys/fs/cgroup/a/memory.max", "1048576\n", true)]
    [InlineData("0::/not/seen/from/here\n", "sys/fs/cgroup/memory.max", "1048576\n", true)]
    [InlineData("0::/a\n", "sys/fs/cgroup/a/memory.max", "max\n", false)]
    [InlineData("0::/a\n", "sys/fs/cgroup/a/memory.max", "1099511627776\n", false)]
    [InlineData("5:devices:/\n4:cpu,memory:/a\n0::/\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1048576\n", true)]
    [InlineData("4:memory:/a\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n", false)]
    [InlineData("4:cpu:/a\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1048576\n", false)]
    public void Read_Cgroup_ItsLimitCountsWhereItIsLess(string cgroups, string file, string content, bool isLess)
    {
        string memory = Write("proc/meminfo", "MemAvailable:   23624216 kB\n");
        _ = Write("proc/self/cgroup", cgroups);
        string limit = Write(file, content);

        Assert.Equal(isLess ? new HostMemory(1 << 20, limit, IsLimit: true) : new HostMemory(23624216UL << 10, memory, IsLimit: false), HostMemory.Read(_root));
    }

    [Fact]
    public void Read_NothingThere_IsUnknown() => Assert.Null(HostMemory.Read(_root));

    [Fact]
    public void Read_ThisHost_HasSome() => Assert.InRange(HostMemory.Read()?.Bytes ?? 0, 1UL, ulong.MaxValue);

    private string Write(string name, string content)
    {
        string path = Path.Combine(_root, name);
        _ = Directory.CreateDirectory(Path.GetDirectoryName(path) ?? _root);
        File.WriteAllText(path, content);
        return path;
    }
}
