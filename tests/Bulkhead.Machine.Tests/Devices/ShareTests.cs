using Bulkhead.Host;
using Bulkhead.Host.Files;
using Bulkhead.Machine.Devices;
using Xunit;

namespace Bulkhead.Machine.Tests.Devices;

/// <summary>What a domain cannot have of the host's folders.</summary>
public sealed class ShareTests
{
    [Fact]
    public void InVirtualTime_IsRefused() => AssertRefused("has no place where time is made of instructions", immediate: true, new ShareRequest("/tmp", "t", false));

    [Fact]
    public void SameTagTwice_IsRefused() => AssertRefused("two of its folders have the tag t", immediate: false, new ShareRequest("/tmp", "t", false), new ShareRequest("/", "t", true));

    [Fact]
    public void WhatIsNotThere_IsRefused() => AssertRefused("/tmp/none-such: there is no such folder", immediate: false, new ShareRequest("/tmp/none-such", "t", false));

    private static void AssertRefused(string why, bool immediate, params ShareRequest[] shares)
    {
        var request = new DomainRequest { Name = "a", KernelPath = "k", Shares = shares };
        OperatorException e = Assert.Throws<OperatorException>(() => DomainDevices.Open(request, new DomainLinks([], [], [], [], null, DescriptorBudget.OfProcess()), null, immediate, lingering: null, static _ => { }));
        Assert.Contains(why, e.Message, StringComparison.Ordinal);
    }
}
