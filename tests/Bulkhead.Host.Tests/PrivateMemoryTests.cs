using Bulkhead.Host.Memory;
using Xunit;

namespace Bulkhead.Host.Tests;

public sealed class PrivateMemoryTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public unsafe void Clear_Zeroes_AlsoWhatIsLocked(bool locked)
    {
        Assert.SkipUnless(!locked || ProcessMemory.TryLock(), "The host permits no locked memory.");
        using var memory = new PrivateMemory(3 * 4096);

        // SAFETY: the last byte of the mapping, and the first.
        memory.Pointer[(3 * 4096) - 1] = 7;
        memory.Pointer[0] = 8;
        memory.Clear();

        Assert.Equal((0, 0), (memory.Pointer[0], memory.Pointer[(3 * 4096) - 1]));
    }

    [Fact]
    public void MoreThanTheHostHas_IsSaidWithWhatToDo()
    {
        OperatorException e = Assert.Throws<OperatorException>(static () => new PrivateMemory(1ul << 60));

        Assert.Equal($"The host could not map {1ul << 50} KiB of memory: Cannot allocate memory (errno 12); ask for less memory, or raise the limits of it (ulimit -v, vm.max_map_count).", e.Message);
    }

    [Fact]
    public unsafe void Retire_LateWriters_DoNoHarm()
    {
        var memory = new PrivateMemory(4096);
        memory.Pointer[1] = 7;
        memory.Retire();

        // SAFETY: retired memory stays mapped while somebody holds the object.
        Assert.Equal(0, memory.Pointer[1]);
        memory.Pointer[1] = 9;
        memory.Dispose();
    }
}
