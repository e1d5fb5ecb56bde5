using Bulkhead.Machine.Profiling;
using Xunit;

namespace Bulkhead.Machine.Tests.Profiling;

public sealed class ProfileReportTests
{
    [Fact]
    public void Write_KernelAndUserSamples_SumsFunctionsAndListsInstructions()
    {
        var places = new Dictionary<ulong, long>
        {
            [0xFFFF_FFFF_8100_0010] = 3,
            [0xFFFF_FFFF_8100_0020] = 2,
            [0xFFFF_FFFF_8200_0000] = 1,
            [0x40_1234] = 4,
        };
        using var text = new StringWriter { NewLine = "\n" };

        ProfileReport.Write(text, "guest", places, static rip => rip < 0xFFFF_FFFF_8200_0000 ? $"memcpy+0x{rip & 0xFF:x}/0x40" : null);

        Assert.Equal(
            """
            # guest: 10 samples of guest code, one a millisecond

            #  share  samples  function
              50.00%        5  memcpy
              40.00%        4  user page 000000401000
              10.00%        1  kernel page ffffffff82000000

            #  share  samples  instruction pointer
              40.00%        4  0000000000401234
              30.00%        3  ffffffff81000010 memcpy+0x10/0x40
              20.00%        2  ffffffff81000020 memcpy+0x20/0x40
              10.00%        1  ffffffff82000000

            """,
            text.ToString());
    }

    [Fact]
    public void Write_NoSamples_SaysSo()
    {
        using var text = new StringWriter();

        ProfileReport.Write(text, "guest", new Dictionary<ulong, long>(), static _ => null);

        Assert.Contains("# guest: 0 samples", text.ToString(), StringComparison.Ordinal);
    }
}
