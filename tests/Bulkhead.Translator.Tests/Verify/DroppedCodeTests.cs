using Bulkhead.Translator.Tests.Differential;
using Bulkhead.X86.Engine;
using Bulkhead.X86.State;
using Xunit;

namespace Bulkhead.Translator.Tests.Verify;

/// <summary>Code that another vCPU has dropped while this one is out of it, in the middle of a block.</summary>
public sealed unsafe class DroppedCodeTests
{
    private const ulong Data = 0x30_0000;

    /// <summary>What was translated is gone when the store goes on; whoever went on all the same would run what was written over it.</summary>
    [Fact]
    public void StoreToCode_WhileAllCodeIsDropped_FindsItsCodeAgain()
    {
        using var guest = new VerifiedGuest("", others: 1);
        guest.Write(Data, "C3"); // ret
        guest.Write(VerifiedGuest.Code, "E8FBFF2E00" + "C60500003000C3" + "46" + "F4"); // call Data; mov byte [Data], C3h; inc esi; hlt
        Assert.Equal(StopReason.Halt, guest.Run());
        Restart(guest);
        guest.Vcpu.EndTurn(); // the program is found in the jump cache, without the lock
        Assert.Equal(StopReason.Kicked, guest.Run());
        Assert.Equal(StopReason.Halt, guest.Run());
        Restart(guest);
        long translated = guest.Space.TranslatedInstructions;
        StopReason stop = StopReason.EngineError;
        var thread = new Thread(() => stop = guest.Run());
        lock (guest.Space.Lock)
        {
            thread.Start();
            while (thread.IsAlive && (thread.ThreadState & ThreadState.WaitSleepJoin) == 0)
            {
                Thread.Yield();
            }

            Assert.Equal(translated, guest.Space.TranslatedInstructions);
            guest.Space.DropAll(null);
        }

        thread.Join();

        Assert.Equal(StopReason.Halt, stop);
        Assert.True(guest.Space.TranslatedInstructions > translated);
        Assert.Equal(3ul, guest.Vcpu.Registers.Gpr[6]);
    }

    /// <summary>The instruction is done again with what was read: a device is not read twice, and nothing before it happens twice.</summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(2, true)]
    public void DeviceRead_WhileCodeIsDropped_IsDoneOnce(int read, bool all)
    {
        using var guest = new VerifiedGuest("", others: 1);
        guest.Write(Data, "C3");

        // call Data; inc esi; add edi, [4000000h]; inc ebp; in eax, dx; inc ebx; hlt
        guest.Write(VerifiedGuest.Code, "E8FBFF2E00" + "46" + "033D00000004" + "45" + "ED" + "43" + "F4");
        byte reads = 0;
        var io = new GuestIo
        {
            OnRead = () =>
            {
                if (++reads == read)
                {
                    lock (guest.Space.Lock)
                    {
                        if (all)
                        {
                            guest.Space.DropAll(null);
                        }
                        else
                        {
                            guest.Space.DropPage((int)(Data >> 12));
                        }
                    }
                }

                return reads;
            },
        };

        Assert.Equal(StopReason.Halt, guest.Run(io, long.MaxValue));

        Assert.Equal(2, reads);
        Assert.Equal(
            (0x0202_0202ul, 1ul, 1ul, 1ul, 0x0101_0101ul),
            (guest.Vcpu.Registers.Gpr[0], guest.Vcpu.Registers.Gpr[3], guest.Vcpu.Registers.Gpr[5], guest.Vcpu.Registers.Gpr[6], guest.Vcpu.Registers.Gpr[7]));
    }

    private static void Restart(VerifiedGuest guest)
    {
        guest.Vcpu.Registers.Rip = VerifiedGuest.Code;
        guest.Vcpu.Registers.Activity = (byte)ActivityState.Active;
    }
}
